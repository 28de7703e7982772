import type * as Types from '../../generated/graphql.ts';
import type { Operation } from '../../server/operation.ts';
import byDay from './by-day.graphql?raw';
import byGenre from './by-genre.graphql?raw';
import byPosition from './by-position.graphql?raw';
import byReason from './by-reason.graphql?raw';
import byVersion from './by-version.graphql?raw';
import document from './understand.graphql?raw';

export const TOTALS: Operation<Types.TotalsQuery, Types.TotalsQueryVariables> = { document, name: 'Totals' };
export const EVALUATIONS: Operation<Types.EvaluationsQuery, Types.EvaluationsQueryVariables> = {
  document,
  name: 'Evaluations',
};
export const BY_DAY: Operation<Types.ByDayQuery, Types.ByDayQueryVariables> = { document: byDay, name: 'ByDay' };
export const BY_REASON: Operation<Types.ByReasonQuery, Types.ByReasonQueryVariables> = {
  document: byReason,
  name: 'ByReason',
};
export const BY_POSITION: Operation<Types.ByPositionQuery, Types.ByPositionQueryVariables> = {
  document: byPosition,
  name: 'ByPosition',
};
export const BY_GENRE: Operation<Types.ByGenreQuery, Types.ByGenreQueryVariables> = {
  document: byGenre,
  name: 'ByGenre',
};
export const BY_VERSION: Operation<Types.ByVersionQuery, Types.ByVersionQueryVariables> = {
  document: byVersion,
  name: 'ByVersion',
};
