import type { Config } from '../../config.ts';
import { ModelUnavailableError } from '../../lib/errors.ts';
import { type FoundRepository, searchHub } from '../../ml/engine.ts';
import { UsageError } from '../command.ts';
import { print } from '../display.ts';

/** Models that are shown. */
const MOST = 20;
const MAX_LENGTH = 200;
/** Time within which a hub must answer. */
const PATIENCE_MS = 30_000;

/** Prints the hub's models with GGUF files that words find: `npm run models -- search WORDS`. @returns the exit status */
export async function searchModels(
  words: readonly string[],
  { network, signal }: Pick<Config, 'network'> & { signal: AbortSignal },
): Promise<number> {
  const query = words.join(' ').trim();
  if (query === '') throw new UsageError('search needs words');
  if (query.length > MAX_LENGTH) throw new UsageError(`search takes ${MAX_LENGTH} characters at most`);
  const found = await searchHub(query, MOST, { network, signal, connectTimeoutMs: PATIENCE_MS }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ModelUnavailableError(`the hub cannot be searched: ${reason}`);
    },
  );
  if (found.length === 0) {
    print('the hub has no model with GGUF files of this name');
    return 1;
  }
  for (const repository of found) print(describe(repository));
  return print('\nadd looks at a model, and says whether it can be used, before it fetches anything.');
}

function describe({ name, downloads, license, isGated }: FoundRepository): string {
  const facts = [`${downloads.toLocaleString('en')} downloads`, license ?? 'licence unknown'];
  if (isGated) facts.push('gated: needs HF_TOKEN');
  return `${name}: ${facts.join(', ')}\n    npm run models -- add hf:${name}`;
}
