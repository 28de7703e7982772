import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

/** The fields of a selection set and its fragments, by response key. */
type Fields = ReadonlyMap<string, readonly FieldNode[]>;

/**
 * Whether validation would need more than `most` comparisons to check that fields with one response key can be merged.
 * It compares every pair of such fields and their selections, so that a document of a few kilobytes can take a second.
 * Counting stops at `most`, which keeps the check cheap ([DOC3]).
 */
export function comparesMoreThan(most: number, document: DocumentNode): boolean {
  const comparisons = new Comparisons(document, most);
  for (const definition of document.definitions) {
    if ('selectionSet' in definition && comparisons.exceededIn(definition.selectionSet)) return true;
  }
  return false;
}

class Comparisons {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #fields = new Map<SelectionSetNode, Fields>();
  /**
   * Pairs of selection sets that are still to be compared. They are queued because recursion would not end for cyclic
   * fragments.
   */
  readonly #pending: [SelectionSetNode, SelectionSetNode][] = [];
  #left: number;

  constructor({ definitions }: DocumentNode, most: number) {
    this.#left = most;
    for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(one.name.value, one);
  }

  exceededIn(selectionSet: SelectionSetNode): boolean {
    for (const fields of this.#fieldsOf(selectionSet).values()) this.#compareAll(fields);
    for (let pair = this.#pending.pop(); pair && !this.#isExceeded(); pair = this.#pending.pop())
      this.#compareSets(...pair);
    if (this.#isExceeded()) return true;
    return selectionSet.selections.some(
      (one) => one.kind !== Kind.FRAGMENT_SPREAD && one.selectionSet !== undefined && this.exceededIn(one.selectionSet),
    );
  }

  #isExceeded(): boolean {
    return this.#left < 0;
  }

  #compareAll(fields: readonly FieldNode[]): void {
    for (const [i, one] of fields.entries()) {
      for (const other of fields.slice(i + 1)) {
        if (this.#isExceeded()) return;
        this.#compare(one, other);
      }
    }
  }

  #compare(one: FieldNode, other: FieldNode): void {
    this.#left--;
    if (one.selectionSet && other.selectionSet) this.#pending.push([one.selectionSet, other.selectionSet]);
  }

  #compareSets(one: SelectionSetNode, other: SelectionSetNode): void {
    const others = this.#fieldsOf(other);
    for (const [name, fields] of this.#fieldsOf(one)) {
      for (const field of fields) {
        for (const alike of others.get(name) ?? []) if (!this.#isExceeded()) this.#compare(field, alike);
      }
    }
  }

  #fieldsOf(selectionSet: SelectionSetNode): Fields {
    const known = this.#fields.get(selectionSet);
    if (known) return known;
    const fields = new Map<string, FieldNode[]>();
    this.#collect(selectionSet, fields, new Set());
    this.#fields.set(selectionSet, fields);
    return fields;
  }

  /** Each field counts as work, because a document could spread one large fragment everywhere. */
  #collect({ selections }: SelectionSetNode, into: Map<string, FieldNode[]>, spread: Set<string>): void {
    for (const one of selections) {
      if (--this.#left < 0) return;
      if (one.kind === Kind.FIELD) add(into, one);
      else if (one.kind === Kind.INLINE_FRAGMENT) this.#collect(one.selectionSet, into, spread);
      else if (!spread.has(one.name.value)) {
        spread.add(one.name.value);
        const fragment = this.#fragments.get(one.name.value);
        if (fragment) this.#collect(fragment.selectionSet, into, spread);
      }
    }
  }
}

function add(fields: Map<string, FieldNode[]>, field: FieldNode): void {
  const name = (field.alias ?? field.name).value;
  const alike = fields.get(name);
  if (alike) alike.push(field);
  else fields.set(name, [field]);
}
