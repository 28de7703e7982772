import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';

/** A set of public keys has a few kilobytes; a provider that sends more than this is not sending one. */
const LONGEST_SET = 256 * 1024;
const TIMEOUT_MS = 5_000;
/** Keys are fetched anew for a key id that is not among them, but no more often than this: any stranger can make one up. */
const COOLDOWN_MS = 30_000;
/** After a failed fetch requests fail at once for so long, instead of each asking a provider that is down. */
const REST_MS = 2_000;

/** The identity provider's public keys: fetched when they are needed, bounded in size and time, and not more often than it can bear. */
export function signingKeys(url: string): JWTVerifyGetKey {
  let failed: { error: unknown; at: number } | null = null;
  const fetchSet = async (address: string, options: RequestInit): Promise<Response> => {
    if (failed && performance.now() - failed.at < REST_MS) throw failed.error;
    try {
      const set = await boundedBody(await fetch(address, options));
      failed = null;
      return set;
    } catch (error) {
      failed = { error, at: performance.now() };
      throw error;
    }
  };
  const options = { timeoutDuration: TIMEOUT_MS, cooldownDuration: COOLDOWN_MS, [customFetch]: fetchSet };
  return createRemoteJWKSet(new URL(url), options);
}

/** @throws Error unless the answer is 200 and within the bound */
async function boundedBody(response: Response): Promise<Response> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  try {
    if (response.status !== 200) throw new Error(`The identity provider answered ${response.status}`);
    let left = LONGEST_SET;
    for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
      left -= next.value.length;
      if (left < 0) throw new Error(`The identity provider sent more than ${LONGEST_SET} bytes of keys`);
      chunks.push(next.value);
    }
    return new Response(Buffer.concat(chunks));
  } catch (error) {
    await reader?.cancel().catch(() => undefined);
    throw error;
  }
}
