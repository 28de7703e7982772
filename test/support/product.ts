import { fileURLToPath } from 'node:url';
import { compile } from '../../scripts/compile.mjs';

/**
 * The file of a program of the product, compiled as `npm start` and `npm run` do it: loading the sources takes a process three
 * times as long.
 * @param name of the file in src, for example `main` or `cli/models`
 */
export function programOf(name: string): string {
  compile();
  return fileURLToPath(new URL(`../../dist/${name}.js`, import.meta.url));
}
