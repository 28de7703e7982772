import { isPretty, type Logger, type LogOptions } from './lib/log.ts';

/** What an operator wants to know about a server that has just started. */
export interface StartFacts {
  /** The base of all links, for example `http://127.0.0.1:4000`. */
  url: string;
  database: string;
  catalogue: string;
  writer: string;
  viewer: string;
}

/**
 * Announces that the server is ready: a few lines for people, or one log line that a program can wait for ([START1]).
 */
export function announce(facts: StartFacts, options: Pick<LogOptions, 'logFormat'>, log: Logger): void {
  const links = {
    graphql: `${facts.url}/graphql`,
    reference: `${facts.url}/docs`,
    health: `${facts.url}/health/ready`,
  };
  if (isPretty(options.logFormat) && log.isLevelEnabled('info')) process.stdout.write(bannerOf({ ...links, ...facts }));
  else log.info({ ...facts, ...links }, READY);
}

/** The message of that log line. */
export const READY = 'Cadenza is ready';

function bannerOf(facts: StartFacts & { graphql: string; reference: string; health: string }): string {
  const rows = [
    ['GraphiQL', facts.graphql],
    ['Reference', facts.reference],
    ['Health', facts.health],
    ['Database', facts.database],
    ['Catalogue', facts.catalogue],
    ['Writer', facts.writer],
    ['Viewer', facts.viewer],
  ] as const;
  return ['', `  ${READY}.`, '', ...rows.map(([name, value]) => `  ${name.padEnd(11)}${value}`), '', ''].join('\n');
}
