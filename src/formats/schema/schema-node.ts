import type { Expression } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type SchemaObject = { readonly [keyword: string]: Json };

/** A schema, and where it is in the whole: a JSON pointer. */
export interface SchemaNode {
  schema: SchemaObject | boolean;
  path: string;
}

/** A schema that is being compiled. */
export interface Compiling {
  /** What conforms to a schema, as JSON is written here. */
  value: (node: SchemaNode) => Expression;
}

const KINDS = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const;
export type Kind = (typeof KINDS)[number];

/** Keywords that say nothing of what conforms. */
const ANNOTATIONS = ['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment'];
const ROOT_ONLY = ['$schema', '$id', '$defs', 'definitions'];
/** Keywords about values of one kind. */
const BY_KIND: Readonly<Record<Kind, readonly string[]>> = {
  null: [],
  boolean: [],
  integer: [],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
};
/** Of these, a schema may have one, beside the annotations and the type. */
const APART = ['$ref', 'enum', 'const', 'anyOf', 'oneOf', 'allOf'] as const;
const KNOWN = new Set([...ANNOTATIONS, 'type', ...APART, ...Object.values(BY_KIND).flat()]);

export function refuse({ path }: Pick<SchemaNode, 'path'>, message: string): never {
  throw new FormatError(`${message}, at ${path}`);
}

export function isSchemaObject(value: Json | undefined): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws FormatError unless it is a schema of which every keyword is known and may stand beside the others */
export function nodeAt(value: Json | undefined, path: string): SchemaNode {
  if (typeof value === 'boolean') return { schema: value, path };
  if (!isSchemaObject(value)) return refuse({ path }, 'has no schema where one is expected');
  const node = { schema: value, path };
  const keywords = Object.keys(value);
  const unknown = keywords.find((name) => !KNOWN.has(name) && !(ROOT_ONLY.includes(name) && mayDefine(name, path)));
  if (unknown !== undefined) return refuse(node, `has the keyword ${JSON.stringify(unknown)}, which is not supported`);
  const [apart] = APART.filter((name) => name in value);
  const allowed = new Set<string>([...ANNOTATIONS, ...ROOT_ONLY, 'type', apart ?? '']);
  const other = apart === undefined ? undefined : keywords.find((name) => !allowed.has(name));
  if (other !== undefined)
    return refuse(node, `has ${JSON.stringify(other)} beside "${apart}", which is not supported`);
  return node;
}

/** Definitions may stand anywhere, because only references look at them. */
const mayDefine = (name: string, path: string): boolean => path === '#' || name === '$defs' || name === 'definitions';

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

function memberOf(value: Json | undefined, step: string): Json | undefined {
  if (isSchemaObject(value)) return Object.hasOwn(value, step) ? value[step] : undefined;
  // One element has one pointer, and so one rule.
  return isList(value) && /^(0|[1-9]\d*)$/.test(step) ? value[Number(step)] : undefined;
}

export function child(node: SchemaNode, ...steps: string[]): SchemaNode {
  let at: Json | undefined = typeof node.schema === 'boolean' ? undefined : node.schema;
  for (const step of steps) at = memberOf(at, step);
  return nodeAt(at, pathOf(node.path, ...steps));
}

const pathOf = (path: string, ...steps: string[]): string =>
  [path, ...steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1'))].join('/');

/** A keyword's whole number, 0 or more. */
export function countAt({ schema, path }: SchemaNode, keyword: string): number | null {
  const value = typeof schema === 'boolean' ? undefined : schema[keyword];
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse({ path }, `has ${JSON.stringify(keyword)} that is no whole number from 0`);
}

/** The kinds of values that conform, as far as their types say: those named, or those that its keywords are about. */
export function kindsOf(node: SchemaNode): readonly Kind[] {
  if (typeof node.schema === 'boolean') return node.schema ? KINDS : [];
  const { type } = node.schema;
  if (type !== undefined) {
    const named = Array.isArray(type) ? type : [type];
    return named.map((one) => KINDS.find((kind) => kind === one) ?? refuse(node, 'has an unknown type'));
  }
  const keywords = Object.keys(node.schema);
  return KINDS.filter((kind) => BY_KIND[kind].some((name) => keywords.includes(name)));
}
