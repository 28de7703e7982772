import { type Extension, type Range, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view';
import type { PendingSuggestion } from '../../../../../../client/src/suggestions.ts';
import type { Person } from '../people.ts';

/** What is to be seen in a text besides the text. */
export interface Shown {
  people: readonly Person[];
  suggestions: readonly PendingSuggestion[];
  /** A part that a finding is about. */
  marked: { start: number; end: number } | null;
  /** The suggestion whose change is shown in its place. */
  active: string | null;
}

export const showInText = StateEffect.define<Shown>();

/** Others' places and what is suggested. It moves with the text until there is news. */
export const shownInText: Extension = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, transaction) {
    const news = transaction.effects.findLast((effect) => effect.is(showInText));
    return news ? decorationsOf(news.value, transaction.newDoc.length) : set.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function decorationsOf({ people, suggestions, marked, active }: Shown, length: number): DecorationSet {
  const marks = suggestions.flatMap((one) => suggestionMarks(one, one.id === active));
  const found = marked && marked.start < marked.end ? [FOUND.range(marked.start, marked.end)] : [];
  const all = [...marks, ...found, ...people.flatMap(personMarks)];
  // What is shown may be of a moment when the text was longer.
  return Decoration.set(
    all.filter(({ to }) => to <= length),
    true,
  );
}

const FOUND = Decoration.mark({ class: 'found' });

function suggestionMarks(
  { id, from, to, alternatives: [first = ''] }: PendingSuggestion,
  isActive: boolean,
): Range<Decoration>[] {
  const passage = Decoration.mark({
    class: isActive ? 'suggested active' : 'suggested',
    attributes: { 'data-suggestion': id },
  });
  const proposal = Decoration.widget({ widget: new Proposal(first), side: 1 });
  const isSeen = isActive || from === to;
  return [...(from < to ? [passage.range(from, to)] : []), ...(isSeen ? [proposal.range(to)] : [])];
}

function personMarks({ selection, name, colour, writing }: Person): Range<Decoration>[] {
  if (selection === null) return [];
  const [from, to] = [Math.min(selection.anchor, selection.head), Math.max(selection.anchor, selection.head)];
  const chosen = Decoration.mark({ class: `chosen by-${colour}` });
  const caret = Decoration.widget({ widget: new Caret(name, colour, writing?.tail ?? ''), side: 1 });
  return [...(from < to ? [chosen.range(from, to)] : []), caret.range(selection.head)];
}

/** Where somebody is, with their name. A model's incomplete word is before it. */
class Caret extends WidgetType {
  readonly #name: string;
  readonly #colour: number;
  readonly #tail: string;

  constructor(name: string, colour: number, tail: string) {
    super();
    this.#name = name;
    this.#colour = colour;
    this.#tail = tail;
  }

  override eq(other: Caret): boolean {
    return other.#name === this.#name && other.#colour === this.#colour && other.#tail === this.#tail;
  }

  override toDOM(): HTMLElement {
    const tail = elementOf('tail', this.#tail);
    const caret = elementOf(`caret by-${this.#colour}`);
    caret.append(elementOf('name', this.#name));
    const both = elementOf('person');
    both.ariaHidden = 'true';
    both.append(tail, caret);
    return both;
  }
}

/** What would be in the place of a passage. */
class Proposal extends WidgetType {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  override eq(other: Proposal): boolean {
    return other.#text === this.#text;
  }

  override toDOM(): HTMLElement {
    const proposal = elementOf('proposal', this.#text);
    proposal.ariaHidden = 'true';
    return proposal;
  }
}

function elementOf(className: string, text = ''): HTMLElement {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = text;
  return element;
}
