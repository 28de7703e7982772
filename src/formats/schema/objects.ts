import { either, EMPTY, type Expression, sequence, text } from '../automaton/expression.ts';
import { bracketed, colon, comma, listed, string } from './json-text.ts';
import { child, type Compiling, countAt, isSchemaObject, type Json, refuse, type SchemaNode } from './schema-node.ts';

const MOST_PROPERTIES = 256;

interface Property {
  name: string;
  value: Expression;
  isRequired: boolean;
}

/** An object: its properties in the order of the schema, or any names if the schema has none. */
export function writtenObject(node: SchemaNode, compiling: Compiling): Expression {
  const properties = propertiesOf(node, compiling);
  if (properties.length === 0) return mapOf(node, compiling);
  checkCounts(node, properties);
  return bracketed('{', inOrder(properties), '}');
}

function propertiesOf(node: SchemaNode, compiling: Compiling): Property[] {
  const {
    properties = {},
    required = [],
    additionalProperties = true,
  } = isSchemaObject(node.schema) ? node.schema : {};
  if (!isSchemaObject(properties)) return refuse(node, 'has "properties" that are no object');
  if (!Array.isArray(required) || !required.every((name: Json) => typeof name === 'string'))
    return refuse(node, 'has a "required" that is no list of names');
  const further = required.filter((name: string) => !Object.hasOwn(properties, name));
  const names = [...new Set([...Object.keys(properties), ...further])];
  // Programs that read it would set an object's prototype, or look there for what is absent.
  if (names.includes('__proto__'))
    return refuse(node, 'has a property of the name "__proto__", which is not supported');
  if (names.length > MOST_PROPERTIES) return refuse(node, `has more than ${MOST_PROPERTIES} properties`);
  const asked = new Set<Json>(required);
  return names.map((name) => {
    const isNamed = Object.hasOwn(properties, name);
    const at = isNamed ? child(node, 'properties', name) : additional(node, additionalProperties);
    return { name, value: compiling.value(at), isRequired: asked.has(name) };
  });
}

const additional = (node: SchemaNode, value: Json): SchemaNode =>
  typeof value === 'boolean'
    ? { schema: value, path: `${node.path}/additionalProperties` }
    : child(node, 'additionalProperties');

/** Those that may be absent make no difference to how many there are of the others. */
function checkCounts(node: SchemaNode, properties: readonly Property[]): void {
  const least = countAt(node, 'minProperties') ?? 0;
  const most = countAt(node, 'maxProperties') ?? Infinity;
  if (least > properties.filter(({ isRequired }) => isRequired).length)
    refuse(node, 'has a "minProperties" above the number of required ones, which is not supported');
  if (most < properties.length)
    refuse(node, 'has a "maxProperties" below the number of "properties", which is not supported');
}

/** Made from the end, once for each property with and without another before it. */
function inOrder(properties: readonly Property[]): Expression {
  let [first, later]: [Expression, Expression] = [EMPTY, EMPTY];
  for (const { name, value, isRequired } of properties.toReversed()) {
    const pair = sequence(text(JSON.stringify(name)), colon, value);
    const [here, after] = [sequence(pair, later), sequence(comma, pair, later)];
    [first, later] = isRequired ? [here, after] : [either(here, first), either(after, later)];
  }
  return first;
}

/** A name may come twice, so that fewer may be left than were written. */
function mapOf(node: SchemaNode, compiling: Compiling): Expression {
  const { additionalProperties = true } = isSchemaObject(node.schema) ? node.schema : {};
  if ((countAt(node, 'minProperties') ?? 0) > 0)
    return refuse(node, 'has a "minProperties" of properties without names, which is not supported');
  const most = additionalProperties === false ? 0 : countAt(node, 'maxProperties');
  const value = compiling.value(additional(node, additionalProperties));
  return bracketed('{', listed(sequence(string, colon, value), 0, most), '}');
}
