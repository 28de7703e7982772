import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseStoredJson } from '../../lib/stored-data.ts';
import type { ModelText } from '../text/model-text.ts';

const file = new URL('../../../assets/specimens.json', import.meta.url);
const form = z.array(z.object({ prompt: z.string(), answer: z.string() }));

/** No specimen is longer. */
const LONGEST = 96;

/** Texts of several kinds and languages, as a model is given them, in its tokens; all of one length, at most `most`. */
export async function specimenTokens({ chat }: ModelText, most: number): Promise<number[][]> {
  const pairs = parseStoredJson(form, await readFile(file, 'utf8'), 'specimens.json');
  const specimens = pairs.map(({ prompt, answer }) =>
    chat.encode(
      [
        { role: 'user', content: prompt },
        { role: 'assistant', content: answer },
      ],
      true,
    ),
  );
  const length = Math.min(LONGEST, most, ...specimens.map((specimen) => specimen.length));
  return specimens.map((specimen) => specimen.slice(0, length));
}
