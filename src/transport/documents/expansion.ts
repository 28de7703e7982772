import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export const fragmentsOf = ({ definitions }: DocumentNode): Fragments =>
  new Map(
    definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [])),
  );

/**
 * The number of fields that a valid document would have if each fragment were written out where it is spread. Fragments that
 * spread each other twice double it at each level, so the number can exceed 2^60 for a document of two kilobytes. It is
 * computed in one step per selection.
 */
export function expandedFields(document: DocumentNode): number {
  const fragments = fragmentsOf(document);
  const known = new Map<string, number>();
  const ofFragment = (name: string): number => {
    const fields = known.get(name) ?? fieldsOf(fragments.get(name)?.selectionSet);
    known.set(name, fields);
    return fields;
  };
  const fieldsOf = (set: SelectionSetNode | undefined): number => {
    let fields = 0;
    for (const one of set?.selections ?? []) {
      if (one.kind === Kind.FRAGMENT_SPREAD) fields += ofFragment(one.name.value);
      else fields += (one.kind === Kind.FIELD ? 1 : 0) + fieldsOf(one.selectionSet);
    }
    return fields;
  };
  let fields = 0;
  for (const one of document.definitions) {
    if (one.kind === Kind.OPERATION_DEFINITION) fields += fieldsOf(one.selectionSet);
  }
  return fields;
}

/** The fields that execution finds in a selection set: of those with one response key the first, wherever it is written. */
export function responseFields(set: SelectionSetNode, fragments: Fragments): FieldNode[] {
  const fields = new Map<string, FieldNode>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const one of selections) {
      const key = one.kind === Kind.FIELD ? (one.alias ?? one.name).value : '';
      if (one.kind === Kind.FIELD) fields.set(key, fields.get(key) ?? one);
      else if (one.kind === Kind.INLINE_FRAGMENT) collect(one.selectionSet);
      else if (!spread.has(one.name.value)) {
        spread.add(one.name.value);
        const fragment = fragments.get(one.name.value);
        if (fragment) collect(fragment.selectionSet);
      }
    }
  };
  collect(set);
  return [...fields.values()];
}
