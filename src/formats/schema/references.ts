import { FormatError } from '../automaton/program.ts';
import type { ReadingSteps } from '../automaton/reading-steps.ts';
import { child, type Json, refuse, type SchemaNode, type SchemaObject } from './schema-node.ts';

const MOST_HOPS = 32;
/** Of one reference, for each of its pointer's steps. */
const STEPS_TO_FOLLOW = 20;

/** Follows references within a schema. */
export class References {
  readonly #root: SchemaNode;
  readonly #steps: ReadingSteps;
  readonly #ends = new Map<SchemaObject, SchemaNode>();

  constructor(root: SchemaNode, steps: ReadingSteps) {
    this.#root = root;
    this.#steps = steps;
  }

  /** @throws FormatError for a pointer to what is no schema */
  find(node: SchemaNode, pointer: Json): SchemaNode {
    if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer))
      return refuse(node, 'has a "$ref" that does not begin with "#/", which is not supported');
    const names = pointer.split('/').slice(1);
    this.#steps.spend(STEPS_TO_FOLLOW * (1 + names.length));
    try {
      return child(
        this.#root,
        ...names.map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')),
      );
    } catch (error) {
      return error instanceof FormatError
        ? refuse(node, `has a "$ref" to what is no schema: it ${error.message}`)
        : refuse(node, 'has a malformed "$ref"');
    }
  }

  /** What a chain of references ends at. Each of them is followed once. */
  resolved(node: SchemaNode): SchemaNode {
    const passed: SchemaObject[] = [];
    let at = node;
    for (let hops = 0; hops < MOST_HOPS; hops++) {
      const { schema } = at;
      if (typeof schema === 'boolean' || schema['$ref'] === undefined) break;
      const end = this.#ends.get(schema);
      if (end) {
        at = end;
        break;
      }
      passed.push(schema);
      at = this.find(at, schema['$ref']);
    }
    for (const schema of passed) this.#ends.set(schema, at);
    return at;
  }
}
