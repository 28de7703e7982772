/** How model files are fetched. */
export interface Network {
  /** For gated or private repositories of a hub. Secret. */
  hubToken: string | null;
  /** A mirror of the hub, for sources that name none. Absent: the public hub. */
  hubEndpoint?: string | null;
  /** Null for none. */
  proxies: Proxies | null;
}

/** URLs of proxies, which may contain a password. */
export interface Proxies {
  http: string | null;
  https: string | null;
  /** Hosts that are reached without a proxy, as in `NO_PROXY`. */
  except: string;
}

export const directNetwork: Network = { hubToken: null, hubEndpoint: null, proxies: null };

type Fetch = typeof fetch;

/** `fetch` through the configured proxies, for requests without a body. */
export function fetchThrough(proxies: Proxies | null): Fetch {
  if (!proxies) return fetch;
  const { http, https, except } = proxies;
  const loaded = import('undici').then(({ EnvHttpProxyAgent, fetch }) => {
    // Empty strings, because the agent would read absent values from the environment.
    const agent = { httpProxy: http ?? '', httpsProxy: https ?? '', noProxy: except };
    // A proxy may refuse tunnels to ports other than that of https.
    return { fetch, dispatcher: new EnvHttpProxyAgent({ ...agent, proxyTunnel: false }) };
  });
  return async (input, { method = 'GET', headers, signal = null } = {}) => {
    const { fetch, dispatcher } = await loaded;
    const url = input instanceof Request ? input.url : input;
    const answer = await fetch(url, { method, headers: [...new Headers(headers)], signal, dispatcher });
    return new Response(answer.body as BodyInit | null, { status: answer.status, headers: [...answer.headers] });
  };
}

/** `fetch` that sends the token to the hub, but not to hosts that it redirects to. */
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
