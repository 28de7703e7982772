import { defaultKeymap } from '@codemirror/commands';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { CadenzaProvider, type ProviderOptions } from '../../packages/client/src/index.ts';

type Connection = Pick<ProviderOptions, 'url' | 'token' | 'documentId'>;

export interface Person {
  name: string;
  /** Of the cursor that others see, as CSS writes it. */
  color: string;
}

/** An editor of a shared document, at the end of an element. The provider says whether it is connected, and `destroy` closes it. */
export function openEditor(parent: HTMLElement, connection: Connection, person: Person) {
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  awareness.setLocalStateField('user', person);
  const provider = new CadenzaProvider({ ...connection, doc, awareness });
  const text = doc.getText('text');
  const state = EditorState.create({
    doc: text.toJSON(),
    extensions: [
      // Positions are those of Yjs, for which no other characters end a line.
      EditorState.lineSeparator.of('\n'),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': 'Text' }),
      keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
      yCollab(text, awareness),
    ],
  });
  const view = new EditorView({ state, parent });
  // Others may embed what is no text. CodeMirror would never end on it: it closes before the binding is told.
  doc.on('beforeObserverCalls', () => {
    if (text.toJSON().length !== text.length) view.destroy();
  });
  const destroy = async (): Promise<void> => {
    view.destroy();
    await provider.destroy();
    doc.destroy();
  };
  return { provider, destroy };
}
