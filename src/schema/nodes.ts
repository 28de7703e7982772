import { type AnyNode, nodeById, nodesById, nodeTypeOf } from '../resolvers/nodes.ts';
import { builder } from './builder.ts';

export const idDescription = 'A globally unique, opaque id. Pass it to `node` to fetch the object again.';

export const NodeInterface = builder.interfaceRef<AnyNode['value']>('Node').implement({
  description: 'An object with a globally unique id.',
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: () => '' }),
  }),
  resolveType: (value) => nodeTypeOf(value),
});

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    nullable: true,
    description: 'An object by its id. Null if it does not exist or the viewer may not see it.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of an object of any type.' }) },
    resolve: (_, { id }, context) => nodeById(id, context),
  }),
  nodes: t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    description:
      'Up to 100 objects by their ids, in the order requested. An item is null if the object does not exist or the ' +
      'viewer may not see it.',
    args: { ids: t.arg.idList({ required: true, description: 'The `id`s of objects of any types.' }) },
    resolve: (_, { ids }, context) => nodesById(ids, context),
  }),
}));
