/** How model files are fetched from elsewhere. */
export interface Network {
  /** For repositories of a hub that are gated or private. Secret. */
  hubToken: string | null;
  /** Null: none. */
  proxies: Proxies | null;
}

/** URLs of proxies, which may hold a password. */
export interface Proxies {
  http: string | null;
  https: string | null;
  /** Hosts that are reached without, as in `NO_PROXY`. */
  except: string;
}

export const directNetwork: Network = { hubToken: null, proxies: null };

type Fetch = typeof fetch;

/** `fetch` through the proxies, if there are any; what asks has no body. */
export function fetchThrough(proxies: Proxies | null): Fetch {
  if (!proxies) return fetch;
  const { http, https, except } = proxies;
  const loaded = import('undici').then(({ EnvHttpProxyAgent, fetch }) => {
    // Texts that are empty and not left out, or the agent would look for them in the environment by itself.
    const agent = { httpProxy: http ?? '', httpsProxy: https ?? '', noProxy: except };
    // A proxy need not let tunnels through to a port other than that of https.
    return { fetch, dispatcher: new EnvHttpProxyAgent({ ...agent, proxyTunnel: false }) };
  });
  return async (input, { method = 'GET', headers, signal = null } = {}) => {
    const { fetch, dispatcher } = await loaded;
    const url = input instanceof Request ? input.url : input;
    const answer = await fetch(url, { method, headers: [...new Headers(headers)], signal, dispatcher });
    return new Response(answer.body as BodyInit | null, { status: answer.status, headers: [...answer.headers] });
  };
}

/** `fetch` that shows the hub, and nobody it sends us on to, the token. */
export function fetchWithToken(fetch: Fetch, token: string | null, hub: string): Fetch {
  if (token === null) return fetch;
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== new URL(hub).origin) return fetch(input, init);
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(input, { ...init, headers });
  };
}
