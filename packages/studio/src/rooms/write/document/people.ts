import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

/** A model that writes, as its presence tells. */
interface Writing {
  id: string;
  /** The word that is not complete. */
  tail: string;
}

/** Somebody else, or a model, that is in the document at the moment. */
export interface Person {
  clientId: number;
  name: string;
  /** One of as many colours as the styles have. */
  colour: number;
  writing: Writing | null;
  /** Where they are in the text. Null if that is nowhere. */
  selection: { anchor: number; head: number } | null;
}

const COLOURS = 4;
const LONGEST_NAME = 40;

/** All but this client. What others say of themselves may be anything, so that it is checked. */
export function peopleIn(awareness: Awareness): Person[] {
  return [...awareness.getStates()].flatMap(([clientId, state]) =>
    clientId === awareness.clientID ? [] : [personOf(awareness.doc, clientId, state)],
  );
}

function personOf(doc: Y.Doc, clientId: number, state: Record<string, unknown>): Person {
  const { name } = recordOf(state.user);
  const { id, tail } = recordOf(state.assist);
  const { anchor, head } = recordOf(state.cursor);
  const [from, to] = [indexOf(doc, anchor), indexOf(doc, head)];
  return {
    clientId,
    name: typeof name === 'string' && name.trim() !== '' ? name.slice(0, LONGEST_NAME) : '?',
    colour: clientId % COLOURS,
    writing: typeof id === 'string' ? { id, tail: typeof tail === 'string' ? tail : '' } : null,
    selection: from === null || to === null ? null : { anchor: from, head: to },
  };
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Null for what is no position in the text. */
function indexOf(doc: Y.Doc, json: unknown): number | null {
  try {
    const position = Y.createRelativePositionFromJSON(json);
    const found = Y.createAbsolutePositionFromRelativePosition(position, doc);
    return found?.type === doc.getText('text') ? found.index : null;
  } catch {
    return null;
  }
}
