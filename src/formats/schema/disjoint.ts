import { isSchemaObject, type Json, kindsOf, refuse, type SchemaNode } from './schema-node.ts';

/**
 * That what conforms to one of a `oneOf`'s schemas conforms to no other, as far as can be told: by their types, by their
 * values, or by a property that all require and that has other values in each. @throws FormatError otherwise
 */
export function checkDisjoint(
  node: SchemaNode,
  options: readonly SchemaNode[],
  resolve: (node: SchemaNode) => SchemaNode,
): void {
  const resolved = options.map(resolve);
  const areApart = resolved.every((one, i) => resolved.slice(i + 1).every((other) => differ(one, other, resolve)));
  if (!areApart) refuse(node, 'has a "oneOf" whose schemas may overlap; "anyOf" is supported');
}

function differ(one: SchemaNode, other: SchemaNode, resolve: (node: SchemaNode) => SchemaNode): boolean {
  const [values, others] = [valuesOf(one), valuesOf(other)];
  if (values && others) return !values.some((value) => others.includes(value));
  const [kinds, otherKinds] = [typesOf(one), typesOf(other)];
  if (kinds && otherKinds && !kinds.some((kind) => otherKinds.includes(kind))) return true;
  return discriminatedBy(one, other, resolve);
}

/** The values that conform, as JSON. Null if they are not listed. */
function valuesOf({ schema }: SchemaNode): string[] | null {
  if (!isSchemaObject(schema)) return null;
  if (schema['const'] !== undefined) return [JSON.stringify(schema['const'])];
  const { enum: values } = schema;
  return Array.isArray(values) ? values.map((value: Json) => JSON.stringify(value)) : null;
}

/** The kinds of values that conform, where integers are numbers. Null if that is open. */
function typesOf(node: SchemaNode): readonly string[] | null {
  if (!isSchemaObject(node.schema) || node.schema['type'] === undefined) return null;
  return kindsOf(node).map((kind) => (kind === 'integer' ? 'number' : kind));
}

function discriminatedBy(one: SchemaNode, other: SchemaNode, resolve: (node: SchemaNode) => SchemaNode): boolean {
  const [own, others] = [requiredValues(one, resolve), requiredValues(other, resolve)];
  return [...own].some(([name, values]) => {
    const there = others.get(name);
    return there !== undefined && !values.some((value) => there.includes(value));
  });
}

/** The required properties of an object whose values are listed. */
function requiredValues(
  { schema, path }: SchemaNode,
  resolve: (node: SchemaNode) => SchemaNode,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  if (!isSchemaObject(schema) || schema['type'] !== 'object') return found;
  const { properties, required } = schema;
  if (!isSchemaObject(properties) || !Array.isArray(required)) return found;
  for (const [name, property] of Object.entries(properties)) {
    const values = isSchemaObject(property) ? valuesOf(resolve({ schema: property, path })) : null;
    if (values && required.includes(name)) found.set(name, values);
  }
  return found;
}
