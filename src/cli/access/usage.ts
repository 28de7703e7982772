import { readFile } from 'node:fs/promises';
import {
  amountText,
  owedFor,
  type PriceTable,
  readPrices,
  usageOfMonth,
  type UsageTotal,
} from '../../access/access.ts';
import { loadConfig } from '../../config.ts';
import { openDatabaseBeside } from '../../db/imports/import-database.ts';
import { createLogger } from '../../lib/log.ts';
import { csvCell } from '../../lib/text/csv-cell.ts';
import { parseCommandLine, runCommand, UsageError, visible } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run usage -- [--month YYYY-MM] [--csv | --json]

  What was used in a month of UTC with each API key, and by each listener with tokens, and what is owed for it by the
  price table that CADENZA_PRICES names (docs/usage.md). It may run beside the server.

  --month YYYY-MM  the month; the present one unless told
  --csv            as CSV
  --json           as JSON`;

const options = {
  month: { type: 'string' },
  csv: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const;

/** A line of the bill. */
interface Line {
  owner: string;
  key: string | null;
  name: string | null;
  requests: number;
  drafts: number;
  tokensIn: number;
  tokensOut: number;
  engineSeconds: number;
  storedBytes: number;
  /** Null without a price table. */
  owed: string | null;
}

async function run(args: string[]): Promise<number> {
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  if (values.csv && values.json) throw new UsageError('--csv and --json: choose one');
  const month = monthOf(values.month);
  const config = loadConfig();
  const prices = config.pricesFile === null ? null : readPrices(await readFile(config.pricesFile, 'utf8'));
  await using database = await openDatabaseBeside(config, createLogger({ ...config, logLevel: 'warn' }));
  const totals = await usageOfMonth(database, month);
  const lines = totals.map((total) => lineOf(total, prices));
  if (values.csv) return print(csvOf(lines));
  if (values.json)
    return print(JSON.stringify({ month, currency: prices?.currency ?? null, lines, owed: sumOf(totals, prices) }));
  return print(tableOf(lines, prices && `${sumOf(totals, prices)} ${prices.currency}`));
}

function monthOf(given: string | undefined): string {
  if (given === undefined) return new Date().toISOString().slice(0, 7);
  if (/^(?!0000)\d{4}-(0[1-9]|1[0-2])$/.test(given)) return given;
  throw new UsageError(`--month: ${visible(given)} is not a month like 2026-11`);
}

function lineOf(total: UsageTotal, prices: PriceTable | null): Line {
  const { owner, keyPrefix: key, keyName: name, requests, drafts, tokensIn, tokensOut, engineMs } = total;
  const [engineSeconds, storedBytes] = [Math.round(engineMs) / 1000, Math.round(total.storedBytes)];
  const owed = prices && amountText(owedFor(total, prices), prices.currency);
  return { owner, key, name, requests, drafts, tokensIn, tokensOut, engineSeconds, storedBytes, owed };
}

/** Of the lines as they are rounded, as whoever adds them up would. */
function sumOf(totals: readonly UsageTotal[], prices: PriceTable | null): string | null {
  if (!prices) return null;
  const digits = amountText(0n, prices.currency).split('.')[1]?.length ?? 0;
  const units = totals.map((total) => BigInt(amountText(owedFor(total, prices), prices.currency).replace('.', '')));
  const text = String(units.reduce((sum, one) => sum + one, 0n)).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const NAMES = [
  'owner',
  'key',
  'name',
  'requests',
  'drafts',
  'tokensIn',
  'tokensOut',
  'engineSeconds',
  'storedBytes',
  'owed',
] as const;

const csvOf = (lines: readonly Line[]): string =>
  [NAMES.join(','), ...lines.map((line) => NAMES.map((name) => csvCell(line[name])).join(','))].join('\r\n');

function tableOf(lines: readonly Line[], owed: string | null): string {
  const rows = [[...NAMES], ...lines.map((line) => NAMES.map((name) => visible(String(line[name] ?? '–'))))];
  const widths = NAMES.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  return [...table, ...(owed === null ? [] : [`In all ${owed}.`])].join('\n');
}

await runCommand({ usage: USAGE, run });
