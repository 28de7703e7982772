import { availableParallelism } from 'node:os';
import { loadConfig } from '../../config.ts';
import { type LoneEncoder, type LoneTranslation, openEncoder, openTranslation } from '../../ml/engine.ts';

/** The encoder of the configured data folder, fetched if it is missing. */
export function openConfiguredEncoder(signal: AbortSignal, tell: (line: string) => void): Promise<LoneEncoder> {
  return openEncoder({ ...configured(tell), threads: availableParallelism(), signal });
}

/** The translators of the configured data folder, each fetched when it is first needed. */
export function openConfiguredTranslation(signal: AbortSignal, tell: (line: string) => void): LoneTranslation {
  return openTranslation({ ...configured(tell), signal });
}

function configured(tell: (line: string) => void) {
  const { dataDir, modelsFile, network } = loadConfig();
  return { dataDir, catalogueFile: modelsFile, network, log: { info: tell, warn: tell } };
}
