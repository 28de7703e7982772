/**
 * The normal forms of text. Stored text and search text are compared in the same form. `caseless` decides whether two
 * names are the same; `foldText` finds what a person means who types no accents and a different apostrophe.
 */

const APOSTROPHES = /[`‘’‚‛ʹʻʼʽʾʿˈ′‵՚׳ꞌ]/gu;
const QUOTES = /[“”„‟«»〃]/gu;
/** Standalone acute accents and double primes, which the compatibility form would take apart. */
const SPLIT_APOSTROPHES = /[´\u1ffd]/gu;
const SPLIT_QUOTES = /[″‴‶‷]/gu;
const DASHES = /[\p{Pd}−]/gu;
/** Invisible characters: soft hyphens, joiners, direction marks, variation selectors. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;
const PLAIN = /^[ -~]*$/;

/**
 * Text without differences in case, width, spacing and the kinds of apostrophes, quotes and dashes. Accents remain,
 * because “Bôa” and “BoA” are two bands.
 */
export function caseless(text: string): string {
  if (PLAIN.test(text)) return tidy(text.toLowerCase().replaceAll('`', "'"));
  const whole = text.replace(SPLIT_APOSTROPHES, "'").replace(SPLIT_QUOTES, '"').normalize('NFKC');
  const folded = foldCase(whole.replace(UNSEEN, '')).normalize('NFKC');
  return tidy(folded.replace(APOSTROPHES, "'").replace(QUOTES, '"').replace(DASHES, '-'));
}

/**
 * `caseless` text without accents and apostrophes: “Björk”, “BJÖRK” and “bjork” become the same, as do “Don’t” and
 * “dont”.
 */
export function foldText(text: string): string {
  const same = caseless(text)
    .replace(/'n'(?=\p{L})/gu, ' n ')
    .replaceAll("'", '');
  return PLAIN.test(same) ? tidy(same) : tidy(withoutAccents(same));
}

/**
 * A name as an identifier: "Hip Hop" → `hip-hop`, "Música Popular" → `musica-popular`, "摇滚" → `摇滚`. Applying it twice
 * changes nothing.
 */
export function slugOf(name: string): string {
  return withoutAccents(caseless(name))
    .replaceAll('&', ' and ')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}

/**
 * Full case folding. By way of upper case “ß” becomes “ss”. “ς” occurs only at the end of words, and “ı” is the lower
 * case of a Turkish “I”.
 */
function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');
}

function tidy(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/**
 * Marks that accompany a letter. Marks that make another letter of it are kept: the voiced marks of kana, the vowels of
 * Indic scripts and of Thai.
 */
const ACCENTS =
  /(?![\u3099\u309a])(?=\p{M})[\p{Script=Inherited}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Cyrillic}]/gu;

/** Removes the accents of a `caseless` text. */
function withoutAccents(text: string): string {
  const bare = text.normalize('NFD').replace(ACCENTS, '');
  return bare.replace(UNDIVIDED, (letter) => LETTERS[letter] ?? letter).normalize('NFC');
}

/** Letters that do not decompose into letter and mark, with what people type if their keyboard lacks them. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ı: 'i', ŋ: 'n', ŧ: 't', ĸ: 'k', ə: 'a' },
  ...{ ƀ: 'b', ɓ: 'b', ƈ: 'c', ȼ: 'c', ɖ: 'd', ɗ: 'd', ɇ: 'e', ɛ: 'e', ƒ: 'f', ǥ: 'g', ɠ: 'g', ɨ: 'i', ɉ: 'j' },
  ...{
    ƙ: 'k',
    ƚ: 'l',
    ɲ: 'n',
    ƞ: 'n',
    ɵ: 'o',
    ɔ: 'o',
    ƥ: 'p',
    ɍ: 'r',
    ȿ: 's',
    ƭ: 't',
    ʉ: 'u',
    ʋ: 'v',
    ɏ: 'y',
    ƴ: 'y',
    ƶ: 'z',
  },
  // Arabic as it is typed: without the dots of final ya and ta marbuta, with Persian letters, and without stretching.
  ...{ ى: 'ي', ی: 'ي', ک: 'ك', ة: 'ه', ٱ: 'ا', ـ: '' },
};
const UNDIVIDED = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'gu');
