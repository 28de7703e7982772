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
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'There is more: ask again with `after: endCursor`.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'This page was asked for with `after`.' }),
    startCursor: t.exposeString('startCursor', { nullable: true, description: "The first edge's cursor." }),
    endCursor: t.exposeString('endCursor', { nullable: true, description: "The last edge's cursor." }),
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
    description: 'An entry of a list and its place in it.',
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Pass it as `after` to go on behind this entry.' }),
      node: t.field({ type: node, description: 'The entry itself.', resolve: (edge) => edge.node as never }),
    }),
  });
}

/** A page's arguments; without `first` it has so many entries. */
export function pageArgs(first: number) {
  return builder.args((t) => ({
    first: t.int({ defaultValue: first, description: 'At most so many entries: 1–100.' }),
    after: t.string({ description: 'A cursor of this list: begin behind its entry.' }),
  }));
}

/** What every connection has: edges, nodes and page info. */
export function listFields<Node>(name: string, node: ObjectRef<PothosTypes, Node>) {
  const edge = edgeType(name, node);
  return (t: PothosSchemaTypes.ObjectFieldBuilder<PothosTypes, Omit<Page<Node>, 'total'>>) => ({
    edges: t.field({ type: [edge], description: 'The entries with their cursors.', resolve: (page) => page.edges }),
    nodes: t.field({
      type: [node],
      description: 'The entries without their cursors.',
      resolve: (page) => page.edges.map((e) => e.node) as never,
    }),
    pageInfo: t.field({ type: PageInfoType, description: 'Whether there is more.', resolve: pageInfoOf }),
  });
}

/** A connection with a total. */
export function connectionType<Node>(name: string, node: ObjectRef<PothosTypes, Node>) {
  const fields = listFields(name, node);
  return builder.objectRef<Page<Node>>(`${name}Connection`).implement({
    description: 'A page of a list.',
    fields: (t) => ({
      ...fields(t as never),
      totalCount: t.int({
        description: 'Entries in the whole list, counted when asked.',
        resolve: (page) => page.total(),
      }),
    }),
  });
}

export type PothosTypes = (typeof builder)['$inferSchemaTypes'];
