import { writeFileSync } from 'node:fs';
import { printContract } from '../schema/schema.ts';

/** `npm run schema` writes the contract that the code implements. Read the diff as a client would. */
writeFileSync(new URL('../../schema.graphql', import.meta.url), printContract());
