import { type DocumentNode, type FieldNode, GraphQLError, Kind, type NameNode, type SelectionSetNode } from 'graphql';
import { type Fragments, fragmentsOf } from './expansion.ts';

/** Maximum number of levels of fields. */
export const MAX_DEPTH = 14;
export const MAX_ALIASES = 30;
/** Of one selection. There are two that mean anything there. */
const MAX_DIRECTIVES = 4;
/** JavaScript treats an object with a `then` as a promise, in the server and in many clients. */
const RESERVED_ALIASES = new Set(['then', '__proto__']);

/** The levels of a selection set and its aliases, with each fragment written out where it is spread. */
interface Extent {
  depth: number;
  aliases: number;
}

/**
 * The limit that a document's selections exceed, as an error; null if there is none ([SERVE2], [DOC4]). Each selection is
 * visited once. The document need not be valid: a fragment that spreads itself ends there.
 */
export function excessOfShape(document: DocumentNode): GraphQLError | null {
  const extents = new Extents(fragmentsOf(document));
  for (const one of document.definitions) {
    if (!('selectionSet' in one)) continue;
    const { depth, aliases } = extents.of(one.selectionSet);
    if (one.kind !== Kind.OPERATION_DEFINITION) continue;
    if (depth > MAX_DEPTH) return exceeded('levels', depth, MAX_DEPTH);
    if (aliases > MAX_ALIASES) return exceeded('aliases', aliases, MAX_ALIASES);
  }
  if (extents.directives > MAX_DIRECTIVES)
    return exceeded('directives on one field', extents.directives, MAX_DIRECTIVES);
  return extents.reservedAlias && reserved(extents.reservedAlias);
}

class Extents {
  readonly #fragments: Fragments;
  readonly #known = new Map<string, Extent>();
  /** The first alias that is not allowed. */
  reservedAlias: NameNode | null = null;
  /** The most on one selection. */
  directives = 0;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  of({ selections }: SelectionSetNode): Extent {
    let [depth, aliases] = [0, 0];
    for (const one of selections) {
      this.directives = Math.max(this.directives, one.directives?.length ?? 0);
      const inner = one.kind === Kind.FRAGMENT_SPREAD ? this.#ofFragment(one.name.value) : this.#within(one);
      if (one.kind === Kind.FIELD && one.alias) aliases++;
      depth = Math.max(depth, inner.depth);
      aliases += inner.aliases;
    }
    return { depth, aliases };
  }

  #within(one: FieldNode | { kind: Kind.INLINE_FRAGMENT; selectionSet: SelectionSetNode }): Extent {
    if (one.kind === Kind.INLINE_FRAGMENT) return this.of(one.selectionSet);
    if (one.alias && RESERVED_ALIASES.has(one.alias.value)) this.reservedAlias ??= one.alias;
    const { depth, aliases } = one.selectionSet ? this.of(one.selectionSet) : NOTHING;
    // Introspection is deep but harmless: its depth is limited by the schema's types.
    return { depth: one.name.value === '__schema' ? 0 : depth + 1, aliases };
  }

  #ofFragment(name: string): Extent {
    const known = this.#known.get(name);
    if (known) return known;
    // Until it is known, for fragments that spread each other in a circle.
    this.#known.set(name, NOTHING);
    const fragment = this.#fragments.get(name);
    const extent = fragment ? this.of(fragment.selectionSet) : NOTHING;
    this.#known.set(name, extent);
    return extent;
  }
}

const NOTHING: Extent = { depth: 0, aliases: 0 };

const exceeded = (what: string, count: number, most: number): GraphQLError =>
  new GraphQLError(`The document has ${count} ${what}; at most ${most} are allowed`);

function reserved(alias: NameNode): GraphQLError {
  const message = `${alias.value} cannot be an alias: it has a special meaning in JavaScript objects`;
  return new GraphQLError(message, { nodes: alias });
}
