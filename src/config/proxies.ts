type Variables = Record<string, string | undefined>;

/** Variables that many programs read, in lower case too. Their URLs may contain a password. */
export const proxyVariables: readonly string[] = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];

/** Adds the lower-case variables under their upper-case names. By convention the lower-case ones take precedence. */
export function withProxies(given: Variables): Variables {
  const small = proxyVariables.flatMap((name) => {
    const value = given[name.toLowerCase()];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...given, ...Object.fromEntries(small) };
}

/** The proxy's URL, with `http://` added if it has no scheme. Null if it cannot be used. */
export function proxyUrl(value: string | undefined): string | null {
  if (value === undefined) return null;
  const url = URL.parse(/^[a-z\d+.-]+:\/\//i.test(value) ? value : `http://${value}`);
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}

/** Warnings about unusable proxies. They do not prevent the start, because they are often set for other programs. */
export function uselessProxies(given: Variables): string[] {
  const useless = ['HTTPS_PROXY', 'HTTP_PROXY'].filter((name) => given[name] !== undefined && !proxyUrl(given[name]));
  return useless.map((name) => `${name} is not the http(s) URL of a proxy and is ignored`);
}
