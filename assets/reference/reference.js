// The search of the schema's reference: in the names of entries first, then in their words.
const [box, results, count] = ['search', 'results', 'count'].map((id) => document.getElementById(id));
const MOST = 40;

const entries = [...document.querySelectorAll('[data-entry]')].map((element) => ({
  id: element.id,
  name: element.id.toLowerCase(),
  last: element.id.toLowerCase().split('.').at(-1),
  // A type's own description, without those of its fields.
  about: element.querySelector(':scope > p')?.textContent ?? '',
}));

/** 0: not found; otherwise the better, the higher. */
function match({ name, last, about }, words) {
  const text = `${name} ${about.toLowerCase()}`;
  if (!words.every((word) => text.includes(word))) return 0;
  const [word] = words;
  if (words.length > 1) return words.every((one) => name.includes(one)) ? 3 : 1;
  if (name === word || last === word) return 5;
  if (last.startsWith(word)) return 4;
  return name.includes(word) ? 3 : 1;
}

function found(search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return entries
    .map((entry) => ({ entry, rank: match(entry, words) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank || a.entry.id.length - b.entry.id.length || (a.entry.id < b.entry.id ? -1 : 1))
    .map(({ entry }) => entry);
}

function itemOf({ id, about }) {
  const [item, link, name, words] = ['li', 'a', 'code', 'small'].map((tag) => document.createElement(tag));
  link.href = `#${id}`;
  name.textContent = id;
  words.textContent = ` ${about}`;
  link.append(name, words);
  item.append(link);
  return item;
}

function show() {
  const all = found(box.value);
  results.replaceChildren(...all.slice(0, MOST).map(itemOf));
  count.textContent = box.value.trim() === '' ? '' : all.length === 1 ? '1 entry' : `${all.length} entries`;
}

function clear() {
  box.value = '';
  show();
}

/** Moves the focus through the box and the results. */
function move(by) {
  const stops = [box, ...results.querySelectorAll('a')];
  stops[stops.indexOf(document.activeElement) + by]?.focus();
}

box.addEventListener('input', show);
results.addEventListener('click', clear);
document.addEventListener('keydown', (event) => {
  const isTyping = document.activeElement === box;
  if (event.key === '/' && !isTyping) box.focus();
  else if (event.key === 'Escape') clear();
  else if (event.key === 'Enter' && isTyping) results.querySelector('a')?.click();
  else if (event.key === 'ArrowDown' && results.contains(results.querySelector('a'))) move(1);
  else if (event.key === 'ArrowUp' && results.contains(document.activeElement)) move(-1);
  else return;
  event.preventDefault();
});
