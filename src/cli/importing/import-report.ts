import type { Config } from '../../config.ts';
import type { Heard, ImportReport } from '../../ingest/ingest.ts';
import { visible } from '../command.ts';
import { print } from '../display.ts';

export const count = (n: number): string => n.toLocaleString('en');

const counted = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** Prints the result of an import, and what to do next. */
export function summarise(report: ImportReport, config: Config): void {
  const { rows, bad, seconds, newListeners, leftOut, notes, heard } = report;
  const rate = seconds > 0 ? `, ${count(Math.round(rows / seconds))} rows/s` : '';
  const skipped = bad > 0 ? `; ${count(bad)} bad ones skipped` : '';
  print(`${count(rows)} rows read in ${seconds.toFixed(1)} s${rate}${skipped}`);
  for (const { rule, rows: n } of leftOut) print(`left out: ${count(n)} ${rule}`);
  printCounts('tracks', report.tracks);
  printCounts('feedback', report.feedback);
  printCounts('consents', report.consents);
  if (newListeners > 0) print(`listeners: ${count(newListeners)} created`);
  for (const note of notes) print(`note: ${visible(note)}`);
  if (heard) print(`\n${endingOf(heard, report, config)}`);
}

function printCounts(name: string, { created, updated, unchanged }: ImportReport['tracks']): void {
  if (created + updated + unchanged === 0) return;
  print(`${name}: ${count(created)} created, ${count(updated)} updated, ${count(unchanged)} unchanged`);
}

function endingOf(heard: Heard, { feedback }: ImportReport, config: Config): string {
  const listener = visible(heard.listener);
  const what = `${counted(heard.plays, 'play')} of ${counted(heard.tracks, 'track')} by ${counted(heard.artists, 'artist')}`;
  if (heard.plays === 0) return `There was no play to import for listener ${listener}.`;
  const isNew = feedback.created + feedback.updated > 0;
  const said = isNew
    ? `Imported ${what} for listener ${listener}.`
    : `All ${what} were there for listener ${listener}.`;
  return `${said}\n${nextStep(listener, heard.unheard, config)}`;
}

function nextStep(listener: string, unheard: number, { host, port, auth }: Config): string {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/graphql`;
  const who = auth ? `with a token whose sub is ${listener}` : `with the header {"X-Listener-Id": "${listener}"}`;
  // A list excludes known tracks, and on a new server the listener knows all of them.
  const args = unheard === 0 ? 'first: 10, includeHeard: true' : 'first: 10';
  const query = `{ recommendations(${args}) { nodes { track { title artist { name } } explanation { summary } } } }`;
  return `Open ${url} (npm start) to see recommendations: ask, ${who},\n  ${query}`;
}
