import { isObject, type Json, kindsOf, type Node, refuse } from './schema-node.ts';

/**
 * That what conforms to one of a `oneOf`'s schemas conforms to no other, as far as can be told: by their types, by their
 * values, or by a property that all require and that has other values in each. @throws FormatError otherwise
 */
export function checkDisjoint(node: Node, options: readonly Node[], resolve: (node: Node) => Node): void {
  const resolved = options.map(resolve);
  const areApart = resolved.every((one, i) => resolved.slice(i + 1).every((other) => differ(one, other, resolve)));
  if (!areApart) refuse(node, 'has a "oneOf" whose schemas may overlap; "anyOf" is supported');
}

function differ(one: Node, other: Node, resolve: (node: Node) => Node): boolean {
  const [values, others] = [valuesOf(one), valuesOf(other)];
  if (values && others) return !values.some((value) => others.includes(value));
  const [kinds, otherKinds] = [typesOf(one), typesOf(other)];
  if (kinds && otherKinds && !kinds.some((kind) => otherKinds.includes(kind))) return true;
  return discriminatedBy(one, other, resolve);
}

/** The values that conform, as JSON. Null if they are not listed. */
function valuesOf({ schema }: Node): string[] | null {
  if (!isObject(schema)) return null;
  if (schema['const'] !== undefined) return [JSON.stringify(schema['const'])];
  const { enum: values } = schema;
  return Array.isArray(values) ? values.map((value: Json) => JSON.stringify(value)) : null;
}

/** The kinds of values that conform, where integers are numbers. Null if that is open. */
function typesOf(node: Node): readonly string[] | null {
  if (!isObject(node.schema) || node.schema['type'] === undefined) return null;
  return kindsOf(node).map((kind) => (kind === 'integer' ? 'number' : kind));
}

function discriminatedBy(one: Node, other: Node, resolve: (node: Node) => Node): boolean {
  const [own, others] = [requiredValues(one, resolve), requiredValues(other, resolve)];
  return [...own].some(([name, values]) => {
    const there = others.get(name);
    return there !== undefined && !values.some((value) => there.includes(value));
  });
}

/** The required properties of an object whose values are listed. */
function requiredValues({ schema, path }: Node, resolve: (node: Node) => Node): Map<string, string[]> {
  const found = new Map<string, string[]>();
  if (!isObject(schema) || schema['type'] !== 'object') return found;
  const { properties, required } = schema;
  if (!isObject(properties) || !Array.isArray(required)) return found;
  for (const [name, property] of Object.entries(properties)) {
    const values = isObject(property) ? valuesOf(resolve({ schema: property, path })) : null;
    if (values && required.includes(name)) found.set(name, values);
  }
  return found;
}
