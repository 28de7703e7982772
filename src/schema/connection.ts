import type { ObjectRef } from '@pothos/core';
import type { Page } from '../lib/page.ts';
import { builder } from './builder.ts';

interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

interface Edge<Node> {
  cursor: string;
  node: Node;
}

const PageInfoType = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Information about a page of a list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether there are more items. Request them with `after: endCursor`.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether the page was requested with `after`.',
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'The cursor of the first edge. Null if the page is empty.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'The cursor of the last edge. Null if the page is empty.',
    }),
  }),
});

function pageInfoOf({ edges, hasNextPage, hasPreviousPage }: Omit<Page<unknown>, 'total'>): PageInfo {
  return {
    hasNextPage,
    hasPreviousPage,
    startCursor: edges[0]?.cursor ?? null,
    endCursor: edges.at(-1)?.cursor ?? null,
  };
}

function edgeType<Node>(name: string, node: ObjectRef<PothosTypes, Node>) {
  return builder.objectRef<Edge<Node>>(`${name}Edge`).implement({
    description: 'An item of a list and its cursor.',
    fields: (t) => ({
      cursor: t.exposeString('cursor', {
        description: "The item's cursor. Pass it as `after` to get the items that follow.",
      }),
      node: t.field({ type: node, description: 'The item.', resolve: (edge) => edge.node as never }),
    }),
  });
}

/** The arguments of a page. @param first its default length */
export function pageArgs(first: number) {
  return builder.args((t) => ({
    first: t.int({ defaultValue: first, description: 'Maximum number of items: 1–100.' }),
    after: t.string({ description: 'A cursor of this list. The page begins with the item that follows it.' }),
  }));
}

/** The fields of every connection: edges, nodes and page info. */
export function listFields<Node>(name: string, node: ObjectRef<PothosTypes, Node>) {
  const edge = edgeType(name, node);
  return (t: PothosSchemaTypes.ObjectFieldBuilder<PothosTypes, Omit<Page<Node>, 'total'>>) => ({
    edges: t.field({ type: [edge], description: 'The items with their cursors.', resolve: (page) => page.edges }),
    nodes: t.field({
      type: [node],
      description: 'The items without their cursors.',
      resolve: (page) => page.edges.map((e) => e.node),
    }),
    pageInfo: t.field({ type: PageInfoType, description: 'Information about the page.', resolve: pageInfoOf }),
  });
}

/** A connection with a total count. */
export function connectionType<Node>(name: string, node: ObjectRef<PothosTypes, Node>) {
  const fields = listFields(name, node);
  return builder.objectRef<Page<Node>>(`${name}Connection`).implement({
    description: 'A page of a list.',
    fields: (t) => ({
      ...fields(t),
      totalCount: t.int({
        description: 'Number of items in the whole list. It is counted only if selected.',
        resolve: (page) => page.total(),
      }),
    }),
  });
}

export type PothosTypes = (typeof builder)['$inferSchemaTypes'];
