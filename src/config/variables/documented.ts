import { z } from 'zod';

/** One row of the table in docs/configuration.md; a test compares the two. */
export interface ConfigVariable {
  name: string;
  meaning: string;
  /** The default as documented; null if there is none. */
  default: string | null;
  example: string;
  /** Whether the value must never be printed. */
  secret: boolean;
}

type Documentation = Omit<ConfigVariable, 'name' | 'secret'> & { secret?: boolean };
const documentation = z.registry<Documentation>();

export function documented<Schema extends z.ZodType>(schema: Schema, entry: Documentation): Schema {
  documentation.add(schema, entry);
  return schema;
}

/** The rows of these variables, in their order. */
export const rowsOf = (shape: Record<string, z.ZodType>): ConfigVariable[] =>
  Object.entries(shape).map(([name, schema]) => {
    const entry = documentation.get(schema);
    if (!entry) throw new Error(`${name} is not documented`);
    return { name, ...entry, secret: entry.secret ?? false };
  });
