import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';

/** A set of public keys has a few kilobytes. A larger response is not a key set. */
const LONGEST_SET = 256 * 1024;
const TIMEOUT_MS = 5_000;
/** Keys are fetched again for an unknown key id, but at most this often, because anyone can invent a key id. */
const COOLDOWN_MS = 30_000;
/** After a failed fetch, requests fail at once for this long instead of querying a provider that is down. */
const REST_MS = 2_000;

/** The identity provider's public keys, fetched on demand with limits on size, time and frequency. */
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

/** @throws Error unless the status is 200 and the body within the limit */
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
