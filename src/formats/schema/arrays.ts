import { either, EMPTY, type Expression, NEVER, sequence } from '../automaton/expression.ts';
import { bracketed, comma, listed } from './json-text.ts';
import { child, type Compiling, countAt, isSchemaObject, refuse, type SchemaNode } from './schema-node.ts';

const MOST_PREFIXES = 256;

/** An array: the schemas of its first elements, and that of the others. */
export function writtenArray(node: SchemaNode, compiling: Compiling): Expression {
  const { prefixItems = [], items = true, uniqueItems = false } = isSchemaObject(node.schema) ? node.schema : {};
  if (uniqueItems !== false) return refuse(node, 'has "uniqueItems", which is not supported');
  if (Array.isArray(items)) return refuse(node, 'has a list of "items", which is "prefixItems" since 2020-12');
  if (!Array.isArray(prefixItems) || prefixItems.length > MOST_PREFIXES)
    return refuse(node, `has "prefixItems" that are no list of at most ${MOST_PREFIXES}`);
  const least = countAt(node, 'minItems') ?? 0;
  const room = items === false ? prefixItems.length : Infinity;
  const most = Math.min(countAt(node, 'maxItems') ?? Infinity, room);
  if (most < least) return NEVER;
  const first = prefixItems.map((_, i) => compiling.value(child(node, 'prefixItems', String(i))));
  const other = compiling.value(typeof items === 'boolean' ? { schema: items, path: node.path } : child(node, 'items'));
  return bracketed('[', elements(first, other, { least, most: most === Infinity ? null : most }), ']');
}

/** Made from the end: after each of the first elements the others, or nothing if they are enough. */
function elements(
  first: readonly Expression[],
  other: Expression,
  { least, most }: { least: number; most: number | null },
): Expression {
  if (first.length === 0) return listed(other, least, most);
  const room = (after: number) => (most === null ? null : Math.max(0, most - after));
  const rest = listed(other, Math.max(0, least - first.length), room(first.length));
  let after =
    least > first.length
      ? sequence(comma, rest)
      : orNothing(room(first.length) === 0 ? EMPTY : sequence(comma, atLeastOne(other, room(first.length))));
  for (let i = first.length - 1; i >= 0; i--) {
    if (room(i) === 0) after = least > i ? NEVER : EMPTY;
    else {
      const here = sequence(...(i > 0 ? [comma] : []), first[i] ?? NEVER, after);
      after = least > i ? here : orNothing(here);
    }
  }
  return after;
}

const atLeastOne = (item: Expression, most: number | null): Expression => listed(item, 1, most);
const orNothing = (one: Expression): Expression => (one === EMPTY ? EMPTY : either(one, EMPTY));
