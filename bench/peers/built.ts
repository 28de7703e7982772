/** A module of `src/` as `npm run build` has compiled it, and not as tsx would: the code that users run. */
export function built(path: string): Promise<unknown> {
  return import(new URL(`../../dist/${path}.js`, import.meta.url).href);
}
