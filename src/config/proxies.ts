type Variables = Record<string, string | undefined>;

/** Read by many programs, also in small letters. Their URLs may hold a password. */
export const proxyVariables: readonly string[] = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];

/** The variables, those in small letters, which go first by custom, under their names in capitals. */
export function withProxies(given: Variables): Variables {
  const small = proxyVariables.flatMap((name) => {
    const value = given[name.toLowerCase()];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...given, ...Object.fromEntries(small) };
}

/** A proxy as URL, its scheme added where it is missing; null for one that cannot be used. */
export function proxyUrl(value: string | undefined): string | null {
  if (value === undefined) return null;
  const url = URL.parse(/^[a-z\d+.-]+:\/\//i.test(value) ? value : `http://${value}`);
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}

/** They are often set for other programs, so that one of no use to us must not stop the start. */
export function uselessProxies(given: Variables): string[] {
  const useless = ['HTTPS_PROXY', 'HTTP_PROXY'].filter((name) => given[name] !== undefined && !proxyUrl(given[name]));
  return useless.map((name) => `${name} is not the http(s) URL of a proxy, and is not used`);
}
