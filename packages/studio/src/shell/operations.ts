import type { ViewerQuery, ViewerQueryVariables } from '../generated/graphql.ts';
import type { Operation } from '../server/operation.ts';
import document from './shell.graphql?raw';

export const VIEWER: Operation<ViewerQuery, ViewerQueryVariables> = { document, name: 'Viewer' };
