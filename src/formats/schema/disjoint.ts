import type { ReadingSteps } from '../automaton/reading-steps.ts';
import type { References } from './references.ts';
import { isSchemaObject, type Json, kindsOf, refuse, type SchemaNode } from './schema-node.ts';

const MOST_OPTIONS = 256;

type Values = ReadonlySet<string>;

/** What tells a schema from others. */
interface Traits {
  /** The values that conform, as JSON. Null if they are not listed. */
  values: Values | null;
  /** The kinds of values that conform, where integers are numbers. Null if that is open. */
  kinds: Values | null;
  /** The values of those required properties whose values are listed. */
  required: ReadonlyMap<string, Values>;
}

/**
 * Tells that what conforms to one of a `oneOf`'s schemas conforms to no other, as far as can be told: by their types, by
 * their values, or by a property that all require and that has other values in each.
 */
export class Disjointness {
  readonly #references: References;
  readonly #steps: ReadingSteps;
  /** By the schema, of which many others may require one. */
  readonly #values = new Map<SchemaNode['schema'], Values | null>();

  constructor(references: References, steps: ReadingSteps) {
    this.#references = references;
    this.#steps = steps;
  }

  /** @throws FormatError for schemas that are not apart, and for more than can be compared */
  check(node: SchemaNode, options: readonly SchemaNode[]): void {
    if (options.length > MOST_OPTIONS) refuse(node, `has a "oneOf" of more than ${MOST_OPTIONS} schemas`);
    const traits = options.map((option) => this.#traitsOf(option));
    const areApart = traits.every((one, i) => traits.slice(i + 1).every((other) => this.#differ(one, other)));
    if (!areApart) refuse(node, 'has a "oneOf" whose schemas may overlap; "anyOf" is supported');
  }

  #traitsOf(option: SchemaNode): Traits {
    const node = this.#references.resolved(option);
    return { values: this.#valuesOf(node), kinds: this.#kindsOf(node), required: this.#requiredOf(node) };
  }

  #differ(one: Traits, other: Traits): boolean {
    this.#steps.spend(1);
    if (one.values && other.values) return this.#areApart(one.values, other.values);
    if (one.kinds && other.kinds && this.#areApart(one.kinds, other.kinds)) return true;
    for (const [name, values] of one.required) {
      this.#steps.spend(1);
      const there = other.required.get(name);
      if (there && this.#areApart(values, there)) return true;
    }
    return false;
  }

  #areApart(one: Values, other: Values): boolean {
    const [few, many] = one.size < other.size ? [one, other] : [other, one];
    for (const value of few) {
      this.#steps.spend(1);
      if (many.has(value)) return false;
    }
    return true;
  }

  #valuesOf({ schema }: SchemaNode): Values | null {
    const known = this.#values.get(schema);
    if (known !== undefined) return known;
    const listed = listedIn(schema);
    this.#steps.spend(10 * (1 + (listed?.length ?? 0)));
    const values = listed && new Set(listed.map((value) => JSON.stringify(value)));
    this.#values.set(schema, values);
    return values;
  }

  #kindsOf(node: SchemaNode): Values | null {
    if (!isSchemaObject(node.schema) || node.schema['type'] === undefined) return null;
    const kinds = kindsOf(node);
    this.#steps.spend(10 * kinds.length);
    return new Set(kinds.map((kind) => (kind === 'integer' ? 'number' : kind)));
  }

  #requiredOf({ schema, path }: SchemaNode): ReadonlyMap<string, Values> {
    const found = new Map<string, Values>();
    if (!isSchemaObject(schema) || schema['type'] !== 'object') return found;
    const { properties, required } = schema;
    if (!isSchemaObject(properties) || !Array.isArray(required)) return found;
    const names = new Set<Json>(required);
    this.#steps.spend(required.length);
    for (const [name, property] of Object.entries(properties)) {
      this.#steps.spend(1);
      if (!names.has(name) || !isSchemaObject(property)) continue;
      const values = this.#valuesOf(this.#references.resolved({ schema: property, path }));
      if (values) found.set(name, values);
    }
    return found;
  }
}

function listedIn(schema: SchemaNode['schema']): readonly Json[] | null {
  if (!isSchemaObject(schema)) return null;
  if (schema['const'] !== undefined) return [schema['const']];
  const { enum: values } = schema;
  return Array.isArray(values) ? values : null;
}
