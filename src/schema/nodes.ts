import { type AnyNode, nodeById, nodesById, nodeTypeOf } from '../resolvers/nodes.ts';
import { builder } from './builder.ts';

export const idDescription = 'Globally unique and opaque: what `node` takes.';

export const NodeType = builder.interfaceRef<AnyNode['value']>('Node').implement({
  description: 'Anything that can be fetched again by its id.',
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: () => '' }),
  }),
  resolveType: (value) => nodeTypeOf(value) as never,
});

builder.queryFields((t) => ({
  node: t.field({
    type: NodeType,
    nullable: true,
    description: 'Anything by its id; null when it does not exist or is not for the viewer.',
    args: { id: t.arg.id({ required: true, description: 'Of a thing of any type.' }) },
    resolve: (_, { id }, context) => nodeById(id, context),
  }),
  nodes: t.field({
    type: [NodeType],
    nullable: { list: false, items: true },
    description: 'Up to 100 things by their ids, in the order asked, null where one does not exist.',
    args: { ids: t.arg.idList({ required: true, description: 'Of things of any types.' }) },
    resolve: (_, { ids }, context) => nodesById(ids, context),
  }),
}));
