import { markWithdrawn } from '../db/catalogue/withdrawal-queries.ts';
import type { Sql } from '../db/client.ts';
import { InvalidInputError, NotFoundError } from '../lib/errors.ts';
import { checkLength, checkText } from '../lib/text/check-text.ts';
import type { WithdrawCounts, WithdrawTracksInput } from './contract.ts';

const MAX_BATCH = 1_000;

/** @throws InvalidInputError; NotFoundError for the first track that does not exist */
export async function withdraw(sql: Sql, input: WithdrawTracksInput, now: Date): Promise<WithdrawCounts> {
  const externalIds = checkLength(input.externalIds ?? [], 'input.externalIds', MAX_BATCH).map((one, i) =>
    checkText(one, `input.externalIds.${i}`, { max: 200 }),
  );
  const ids = checkLength(input.ids ?? [], 'input.ids', MAX_BATCH);
  if (externalIds.length + ids.length === 0) {
    throw new InvalidInputError('input must name at least one track, by externalIds or ids', 'input');
  }
  const outcome = await markWithdrawn(sql, { externalIds, ids }, now);
  if ('withdrawn' in outcome) return outcome;
  const { unknown } = outcome;
  const [externalId] = unknown.externalIds;
  const field =
    externalId === undefined
      ? `input.ids.${ids.indexOf(unknown.ids[0] ?? 0)}`
      : `input.externalIds.${externalIds.indexOf(externalId)}`;
  const named = externalId === undefined ? '' : ` "${externalId}"`;
  const others = unknown.externalIds.length + unknown.ids.length - 1;
  const more = others > 0 ? `, nor are ${others} others` : '';
  throw new NotFoundError(`${field}:${named} is not in the catalogue${more}`, externalId ?? null, field);
}
