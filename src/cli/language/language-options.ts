import { availableParallelism } from 'node:os';
import { loadConfig } from '../../config.ts';
import { type LoneEncoder, openEncoder } from '../../ml/engine.ts';

/** The encoder of the configured data folder, fetched if it is missing. */
export function openConfiguredEncoder(signal: AbortSignal, tell: (line: string) => void): Promise<LoneEncoder> {
  const { dataDir, modelsFile, network } = loadConfig();
  const log = { info: tell, warn: tell };
  return openEncoder({ dataDir, catalogueFile: modelsFile, threads: availableParallelism(), network, log, signal });
}
