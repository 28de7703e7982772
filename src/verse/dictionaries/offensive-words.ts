import { createRequire } from 'node:module';
import { cuss } from 'cuss';
import { z } from 'zod';

/** Of `cuss`: more likely a swear word or a slur than anything else. */
const LIKELY = 2;
const ENDINGS = ['', 's', 'es', 'd', 'ed', 'er', 'ers', 'ing'];

/** Words that a form does not choose by itself ([FORM12]): those of two kept lists, and what is made of them. */
export function offensiveWords(): ReadonlySet<string> {
  const listed = z.array(z.string()).parse(createRequire(import.meta.url)('naughty-words/en.json'));
  const likely = Object.keys(cuss).filter((word) => cuss[word] === LIKELY);
  return new Set([...likely, ...listed].flatMap((word) => ENDINGS.map((ending) => word + ending)));
}
