import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { z } from 'zod';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { print } from '../display.ts';

const file = new URL('../../../assets/suggested-models.json', import.meta.url);
const suggestionsSchema = z.array(
  z.strictObject({
    /** Memory of the machine, in GB, from which on it is a good choice. */
    memoryGb: z.number().positive(),
    source: z.string(),
    name: z.string(),
    parameters: z.string(),
    license: z.string(),
    note: z.string(),
  }),
);

/** Prints good choices, smallest first, and which suits this machine. */
export function suggest(): number {
  const suggestions = parseStoredJson(suggestionsSchema, readFileSync(file, 'utf8'), 'suggested-models.json');
  const machineGb = totalmem() / 1e9;
  print(`This machine has ${machineGb.toFixed(0)} GB of memory.\n`);
  for (const { memoryGb, source, name, parameters, license, note } of suggestions) {
    print(`${memoryGb > machineGb ? '  ' : '* '}from ${memoryGb} GB: ${name}, ${parameters} parameters, ${license}`);
    print(`    ${note}\n    npm run models -- add ${source}`);
  }
  return print('\n* fits here. More memory is needed for several drafts at once, and for long ones.');
}
