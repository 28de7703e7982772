import { defaultKeymap } from '@codemirror/commands';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';
import * as Y from 'yjs';
import type { Range } from '../../text.ts';
import type { LiveDocument } from '../live-document.svelte.ts';
import { editorLook } from './editor-look.ts';
import { showInText, type Shown, shownInText } from './shown.ts';

/** What the keys of suggestions do. */
export interface EditorKeys {
  accept: () => void;
  reject: () => void;
  /** To the next suggestion (1) or the one before (-1). */
  step: (by: 1 | -1) => void;
}

/** What may change while the editor is open. */
export interface Manner {
  label: string;
  hint: string;
  mayEdit: boolean;
}

interface EditorOptions {
  live: LiveDocument;
  keys: EditorKeys;
  onSelect: (range: Range) => void;
}

/**
 * CodeMirror on the shared text. It is in a shadow tree, because there its style sheets are adopted, which the page's policy
 * allows: in the page itself they would be inline ([STUDIO1]).
 */
export class DocumentEditor implements Disposable {
  readonly #view: EditorView;
  readonly #manner = new Compartment();
  readonly #doc: Y.Doc;
  readonly #guard: () => void;
  #isOpen = true;

  constructor(host: HTMLElement, manner: Manner, { live, keys, onSelect }: EditorOptions) {
    const { text } = live;
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
    const state = EditorState.create({
      doc: text.toJSON(),
      extensions: [
        // Positions are those of Yjs, for which no other characters end a line.
        EditorState.lineSeparator.of('\n'),
        EditorView.lineWrapping,
        keymap.of([...keysOf(keys), ...yUndoManagerKeymap, ...defaultKeymap]),
        yCollab(text, null, { undoManager: new Y.UndoManager(text, { trackedOrigins: new Set() }) }),
        this.#manner.of(mannerOf(manner)),
        EditorView.updateListener.of(({ view, selectionSet, docChanged, focusChanged }) => {
          if (!selectionSet && !docChanged && !focusChanged) return;
          const { from: start, to: end } = view.state.selection.main;
          onSelect({ start, end });
          if (view.hasFocus) tellPlace(live, view);
        }),
        shownInText,
        editorLook,
      ],
    });
    this.#view = new EditorView({ state, root, parent: root });
    this.#doc = live.doc;
    this.#guard = () => {
      if (live.isStrange) this[Symbol.dispose]();
    };
    // Before the binding is told: CodeMirror never ends on an insertion that is no text.
    this.#doc.on('beforeObserverCalls', this.#guard);
  }

  behave(manner: Manner): void {
    this.#view.dispatch({ effects: this.#manner.reconfigure(mannerOf(manner)) });
  }

  show(shown: Shown): void {
    this.#view.dispatch({ effects: showInText.of(shown) });
  }

  goTo(index: number): void {
    this.#view.focus();
    this.#view.dispatch({ selection: { anchor: index }, scrollIntoView: true });
  }

  /** As if it was typed: an undo takes it back. */
  replace({ start, end, text }: Range & { text: string }): void {
    this.#view.dispatch({ changes: { from: start, to: end, insert: text }, userEvent: 'input' });
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#doc.off('beforeObserverCalls', this.#guard);
    this.#view.destroy();
  }
}

const keysOf = ({ accept, reject, step }: EditorKeys) => [
  { key: 'Alt-Enter', run: () => (accept(), true), shift: () => (reject(), true) },
  { key: 'F8', run: () => (step(1), true), shift: () => (step(-1), true) },
];

const mannerOf = ({ label, hint, mayEdit }: Manner): Extension => [
  EditorState.readOnly.of(!mayEdit),
  EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'true' }),
  placeholder(hint),
];

/** Shows others where this client is. */
function tellPlace({ text, awareness }: LiveDocument, { state }: EditorView): void {
  const { anchor, head } = state.selection.main;
  const at = (index: number): unknown => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index));
  const cursor = { anchor: at(anchor), head: at(head) };
  if (JSON.stringify(awareness.getLocalState()?.cursor) !== JSON.stringify(cursor))
    awareness.setLocalStateField('cursor', cursor);
}
