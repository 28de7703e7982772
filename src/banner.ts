import { isPretty, type Logger, type LogOptions } from './lib/log.ts';

/** What an operator wants to know about a server that has just started. */
export interface StartFacts {
  /** The base of all links, for example `http://127.0.0.1:4000`. */
  url: string;
  database: string;
  catalogue: string;
  writer: string;
  viewer: string;
  /** Whether the Studio is served. */
  studio: boolean;
}

/**
 * Announces that the server is ready: a few lines for people, or one log line that a program can wait for ([START1]).
 */
export function announce(facts: StartFacts, options: Pick<LogOptions, 'logFormat'>, log: Logger): void {
  const links = {
    studio: facts.studio ? `${facts.url}/studio` : null,
    graphql: `${facts.url}/graphql`,
    reference: `${facts.url}/docs`,
    health: `${facts.url}/health/ready`,
  };
  if (isPretty(options.logFormat) && log.isLevelEnabled('info')) process.stdout.write(bannerOf({ ...facts, ...links }));
  else log.info({ ...facts, ...links }, READY);
}

/** The message of that log line. */
export const READY = 'Cadenza is ready';

interface Links {
  studio: string | null;
  graphql: string;
  reference: string;
  health: string;
}

function bannerOf(facts: Omit<StartFacts, 'studio'> & Links): string {
  const rows = [
    ...(facts.studio === null ? [] : [['Studio', facts.studio] as const]),
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
