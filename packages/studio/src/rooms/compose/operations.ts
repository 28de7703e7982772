import type * as Types from '../../generated/graphql.ts';
import type { Operation } from '../../server/operation.ts';
import document from './compose.graphql?raw';

export const TUNE: Operation<Types.TuneQuery, Types.TuneQueryVariables> = { document, name: 'Tune' };
export const CHECK: Operation<Types.CheckTuneQuery, Types.CheckTuneQueryVariables> = { document, name: 'CheckTune' };
