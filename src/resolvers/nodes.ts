import type { ApiKey } from '../access/access.ts';
import type { Assist } from '../assist/assist.ts';
import type { Album, Artist, Genre, Track } from '../catalogue/catalogue.ts';
import type { DocumentVersion, TextDocument } from '../documents/documents.ts';
import type { Draft, DraftGroup } from '../drafts/drafts.ts';
import { checkLength } from '../lib/text/check-text.ts';
import type { Feedback, Listener } from '../listeners/listeners.ts';
import type { Model } from '../ml/engine.ts';
import { maySeeKey } from './access/keys.ts';
import type { Context } from './context.ts';
import { decodeId } from './global-id.ts';
import { maySee } from './listeners.ts';

/** An object with a global id, and its type. */
export type AnyNode =
  | { nodeType: 'Track'; value: Track }
  | { nodeType: 'Artist'; value: Artist }
  | { nodeType: 'Album'; value: Album }
  | { nodeType: 'Genre'; value: Genre }
  | { nodeType: 'Listener'; value: Listener }
  | { nodeType: 'Feedback'; value: Feedback }
  | { nodeType: 'Draft'; value: Draft }
  | { nodeType: 'DraftGroup'; value: DraftGroup }
  | { nodeType: 'Document'; value: TextDocument }
  | { nodeType: 'DocumentVersion'; value: DocumentVersion }
  | { nodeType: 'Assist'; value: Assist }
  | { nodeType: 'Model'; value: Model }
  | { nodeType: 'ApiKey'; value: ApiKey };

/** The object with this id if it exists and the viewer may see it. @throws InvalidInputError for a malformed id */
export async function nodeById(globalId: string, context: Context, field = 'id'): Promise<AnyNode['value'] | null> {
  const { type, id } = decodeId(globalId, field);
  const { loaders, engine, documents, assists, viewer } = context;
  switch (type) {
    case 'Track':
      return typed(type, await loaders.tracks.get(Number(id)));
    case 'Artist':
      return typed(type, await loaders.artists.get(Number(id)));
    case 'Album':
      return typed(type, await loaders.albums.get(Number(id)));
    case 'Genre':
      return typed(type, await loaders.genresBySlug.load(id));
    case 'Listener': {
      const listener = await loaders.listeners.get(Number(id));
      return listener && maySee(listener.id, context) ? typed(type, listener) : null;
    }
    case 'Feedback': {
      const feedback = await loaders.feedback.get(Number(id));
      return feedback && maySee(feedback.listenerId, context) ? typed(type, feedback) : null;
    }
    case 'Draft':
      return typed(type, await loaders.drafts.load(id));
    case 'DraftGroup':
      return typed(type, await loaders.draftGroups.load(id));
    case 'ApiKey': {
      const key = (await context.keys.byIds([Number(id)])).get(Number(id));
      return key && maySeeKey(key, context) ? typed(type, key) : null;
    }
    case 'Document':
      return typed(type, await loaders.documents.load(id));
    case 'DocumentVersion':
      return typed(type, (await documents.version(viewer, id)) ?? undefined);
    case 'Assist':
      return typed(type, (await assists.byId(viewer, id)) ?? undefined);
    case 'Model':
      return typed(
        type,
        engine.models().find((model) => model.id === id),
      );
  }
}

export function nodesById(ids: readonly string[], context: Context): Promise<(AnyNode['value'] | null)[]> {
  checkLength(ids, 'ids', 100);
  return Promise.all(ids.map((id, i) => nodeById(id, context, `ids.${i}`)));
}

const nodeTypes = new WeakMap<object, AnyNode['nodeType']>();

/** Rows have no type name, so for fields that return several types it is stored beside them. */
function typed<Value extends AnyNode['value']>(type: AnyNode['nodeType'], value: Value | undefined): Value | null {
  if (value === undefined) return null;
  nodeTypes.set(value, type);
  return value;
}

export function nodeTypeOf(node: object): AnyNode['nodeType'] | undefined {
  return nodeTypes.get(node);
}
