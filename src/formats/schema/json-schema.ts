import { anyText, either, type Expression, type Grammar, NEVER, rule } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';
import { ReadingSteps } from '../automaton/reading-steps.ts';
import { writtenArray } from './arrays.ts';
import { Disjointness } from './disjoint.ts';
import { ANYTHING, jsonRules } from './json-text.ts';
import { writtenNumber } from './numbers.ts';
import { writtenObject } from './objects.ts';
import { References } from './references.ts';
import {
  child,
  type Compiling,
  isSchemaObject,
  type Json,
  type Kind,
  kindsOf,
  nodeAt,
  refuse,
  type SchemaNode,
} from './schema-node.ts';
import { writtenString } from './strings.ts';

const LONGEST = 32_768;
const DEEPEST = 32;
const MOST_VALUES = 1_000;
/** Of one schema, a number between bounds, and a value or a pattern's character. */
const STEPS_TO_READ = 100;
const STEPS_OF_NUMBER = 2_000;
const STEPS_OF_VALUE = 20;
const STEPS_OF_CHARACTER = 100;

/**
 * JSON that conforms to a schema (2020-12). Not all that conforms: objects have the properties that are named, in that
 * order, and numbers at most 15 digits.
 * @param source the schema as JSON
 * @throws FormatError that names the keyword and its place for what is not supported
 */
export function readJsonSchema(source: string, steps = new ReadingSteps()): Grammar {
  return new SchemaReader(parsed(source), steps).read();
}

function parsed(source: string): Json {
  if (source.length > LONGEST) throw new FormatError(`has more than ${LONGEST} characters`);
  const schema = jsonIn(source);
  checkShape(schema, 0);
  return schema;
}

function jsonIn(source: string): Json {
  try {
    return JSON.parse(source) as Json;
  } catch {
    throw new FormatError('is no JSON');
  }
}

function checkShape(value: Json, depth: number): void {
  if (depth > DEEPEST) throw new FormatError(`is nested more than ${DEEPEST} deep`);
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) throw new FormatError('has an unpaired surrogate');
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries<Json>(value)) {
    checkShape(name, depth);
    checkShape(inner, depth + 1);
  }
}

class SchemaReader implements Compiling {
  readonly #root: SchemaNode;
  readonly #rules = new Map<string, Expression>(jsonRules());

  readonly #references: References;
  readonly #disjointness: Disjointness;
  readonly #steps: ReadingSteps;

  constructor(schema: Json, steps: ReadingSteps) {
    this.#root = nodeAt(schema, '#');
    this.#steps = steps;
    this.#references = new References(this.#root, steps);
    this.#disjointness = new Disjointness(this.#references, steps);
  }

  read(): Grammar {
    return { start: this.value(this.#root), rules: this.#rules };
  }

  value(node: SchemaNode): Expression {
    const { schema } = node;
    this.#steps.spend(STEPS_TO_READ);
    if (typeof schema === 'boolean') return schema ? rule(ANYTHING) : NEVER;
    if (schema['$ref'] !== undefined) return this.#reference(node, schema['$ref']);
    if (schema['enum'] !== undefined) return this.#values(node, schema['enum']);
    if (schema['const'] !== undefined) return this.#values(node, [schema['const']]);
    for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const)
      if (schema[keyword] !== undefined) return this.#combined(node, keyword, schema[keyword]);
    const kinds = kindsOf(node);
    return kinds.length === 0 && schema['type'] === undefined
      ? rule(ANYTHING)
      : either(...kinds.map((kind) => this.#ofKind(kind, node)));
  }

  #ofKind(kind: Kind, node: SchemaNode): Expression {
    switch (kind) {
      case 'null':
        return anyText(['null']);
      case 'boolean':
        return anyText(['true', 'false']);
      case 'integer':
      case 'number':
        this.#steps.spend(STEPS_OF_NUMBER);
        return writtenNumber(node, kind === 'integer');
      case 'string':
        this.#steps.spend(STEPS_OF_CHARACTER * patternLength(node));
        return writtenString(node);
      case 'array':
        return writtenArray(node, this);
      case 'object':
        return writtenObject(node, this);
    }
  }

  #values(node: SchemaNode, values: Json): Expression {
    if (!Array.isArray(values) || values.length > MOST_VALUES)
      return refuse(node, `has an enum that is no list of at most ${MOST_VALUES} values`);
    this.#steps.spend(STEPS_OF_VALUE * values.length);
    const typed = isSchemaObject(node.schema) && node.schema['type'] !== undefined ? kindsOf(node) : null;
    const fitting = values.filter((value: Json) => typed === null || typed.some((kind) => isOfKind(value, kind)));
    return anyText(fitting.map((value: Json) => JSON.stringify(value)));
  }

  #combined(node: SchemaNode, keyword: 'anyOf' | 'oneOf' | 'allOf', list: Json): Expression {
    if (isSchemaObject(node.schema) && node.schema['type'] !== undefined)
      return refuse(node, `has "type" beside "${keyword}", which is not supported`);
    if (!Array.isArray(list) || list.length === 0) return refuse(node, `has an "${keyword}" without schemas`);
    const options = list.map((_, i) => child(node, keyword, String(i)));
    if (keyword === 'allOf' && options.length > 1)
      return refuse(node, 'has an "allOf" of several, which is not supported');
    if (keyword === 'oneOf') this.#disjointness.check(node, options);
    return either(...options.map((option) => this.value(option)));
  }

  /** The rule is there before its text is compiled, which may refer to it. */
  #reference(node: SchemaNode, pointer: Json): Expression {
    const target = this.#references.find(node, pointer);
    if (!this.#rules.has(target.path)) {
      this.#rules.set(target.path, NEVER);
      this.#rules.set(target.path, this.value(target));
    }
    return rule(target.path);
  }
}

function isOfKind(value: Json, kind: Kind): boolean {
  switch (kind) {
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isSchemaObject(value);
    case 'boolean':
    case 'number':
    case 'string':
      return typeof value === kind;
  }
}

function patternLength({ schema }: SchemaNode): number {
  const pattern = isSchemaObject(schema) ? schema['pattern'] : undefined;
  return typeof pattern === 'string' ? pattern.length : 0;
}
