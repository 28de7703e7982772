import SchemaBuilder from '@pothos/core';
import type { Context } from '../resolvers/context.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    DateOrTime: { Input: Date | string; Output: Date | string };
    Base64: { Input: Uint8Array; Output: Uint8Array };
    DocumentCursor: { Input: string; Output: string };
    DraftCursor: { Input: string; Output: string };
    Metadata: { Input: Record<string, unknown>; Output: Readonly<Record<string, unknown>> };
    /** Any value of JSON, as it was sent. */
    JSON: { Input: unknown; Output: unknown };
    MetadataValue: { Input: string | number | boolean; Output: string | number | boolean };
  };
}>({ defaultFieldNullability: false });

/** Arguments as GraphQL passes them: an absent one is missing, never present with the value undefined. */
export type Given<Value> = Value extends Date | Uint8Array
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Given<Item>[]
    : Value extends object
      ? { [Key in keyof Value]: Given<Exclude<Value[Key], undefined>> }
      : Value;

/** Pothos types an optional argument as possibly undefined; graphql-js omits it. */
export function given<Value>(args: Value): Given<Value> {
  return args as Given<Value>;
}

type Filled<Args, Defaults> = Given<Omit<Args, keyof Defaults>> & {
  [Key in keyof Defaults & keyof Args]-?: NonNullable<Args[Key]>;
};

/** Like `given`, but null means the default too: many clients send null for "not set". */
export function filled<Args extends object, Defaults extends { [Key in keyof Args]?: unknown }>(
  args: Args,
  defaults: Defaults,
): Filled<Args, Defaults> {
  const result: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(args)) if (value != null) result[name] = value;
  return result as Filled<Args, Defaults>;
}

builder.queryType({ description: 'All queries.' });
builder.mutationType({
  description: "All mutations. Failures that a client can act on are members of the result's union.",
});
builder.subscriptionType({ description: 'All subscriptions, over WebSocket or server-sent events.' });
