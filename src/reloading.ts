import { type Config, loadConfig, readVariables } from './config.ts';
import { StartupError } from './lib/errors.ts';
import type { Logger } from './lib/log.ts';

/** What a running server can take over. docs/configuration.md lists it. */
const RELOADED = /^CADENZA_(LOG_LEVEL|JWT_\w+|JWKS_URL|RATE_\w+|SOCKETS_PER_\w+|TRUSTED_PROXIES)$/;

export interface ReloadOptions {
  log: Logger;
  /** Uses the reloadable part of a configuration from now on. */
  apply: (config: Config) => void;
}

/** @returns reads the configuration again, and takes over what can be changed while the server runs ([CONF5]) */
export function createReload({ log, apply }: ReloadOptions): () => void {
  let before = readVariables();
  let hadAuth = loadConfig().auth !== null;
  return () => {
    try {
      const [now, config] = [readVariables(), loadConfig()];
      if ((config.auth !== null) !== hadAuth) throw new StartupError(AUTH_STAYS);
      const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
      const changed = names.filter((name) => before[name] !== now[name]);
      apply(config);
      log.level = config.logLevel;
      const needsRestart = changed.filter((name) => !RELOADED.test(name));
      log.info({ changed: changed.filter((name) => RELOADED.test(name)), needsRestart }, 'Configuration reloaded');
      before = now;
      hadAuth = config.auth !== null;
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      log.error(`The configuration stays as it was. ${error.message}`);
    }
  };
}

const AUTH_STAYS = 'Whether requests need a token cannot change while the server runs: restart it.';
