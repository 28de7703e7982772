import { type FragmentDefinitionNode, type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';

/**
 * The names that the operation selects anywhere below the field. Directives are ignored, because a superfluous prefetch
 * is harmless.
 */
export function selectsFields(info: GraphQLResolveInfo, names: readonly string[]): Set<string> {
  const found = new Set<string>();
  // Each fragment is visited once. Nested spreads could otherwise expand without bound.
  const spread = new Set<string>();
  const visit = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (!spread.has(selection.name.value)) visit(fragment(info, selection.name.value)?.selectionSet);
        spread.add(selection.name.value);
      } else {
        if (selection.kind === Kind.FIELD && names.includes(selection.name.value)) found.add(selection.name.value);
        visit(selection.selectionSet);
      }
    }
  };
  for (const node of info.fieldNodes) visit(node.selectionSet);
  return found;
}

function fragment(info: GraphQLResolveInfo, name: string): FragmentDefinitionNode | undefined {
  return info.fragments[name];
}
