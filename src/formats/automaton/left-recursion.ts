import type { Program } from './program.ts';

/** What a rule refers to before its first byte, and whether something must follow it there. */
interface Reference {
  rule: number;
  deeper: boolean;
}

/** The name of a rule that comes back to itself before a byte, deeper each time. Null if there is none. */
export function leftRecursion(program: Program): string | null {
  const references = program.entries.map((entry) => referencesFrom(program, entry));
  const groups = groupsOf(references);
  const found = references.findIndex((to, rule) =>
    to.some((reference) => reference.deeper && groups[reference.rule] === groups[rule]),
  );
  return program.rules[found] ?? null;
}

/** Rules that come back to each other have the same number (Kosaraju 1978). */
function groupsOf(references: readonly (readonly Reference[])[]): Int32Array {
  const forth = references.map((to) => to.map(({ rule }) => rule));
  const back: number[][] = references.map(() => []);
  forth.forEach((to, from) => {
    for (const rule of to) back[rule]?.push(from);
  });
  const groups = new Int32Array(references.length).fill(-1);
  for (const root of finishing(forth).reverse()) {
    const open = [root];
    for (let rule = open.pop(); rule !== undefined; rule = open.pop()) {
      if (groups[rule] !== -1) continue;
      groups[rule] = root;
      open.push(...(back[rule] ?? []));
    }
  }
  return groups;
}

/** All rules, each after those that it leads to, unless they lead back. */
function finishing(forth: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const open: { rule: number; isDone: boolean }[] = forth.map((_, rule) => ({ rule, isDone: false }));
  for (let one = open.pop(); one; one = open.pop()) {
    const { rule, isDone } = one;
    if (isDone) order.push(rule);
    if (isDone || seen.has(rule)) continue;
    seen.add(rule);
    open.push({ rule, isDone: true });
    for (const to of forth[rule] ?? []) if (!seen.has(to)) open.push({ rule: to, isDone: false });
  }
  return order;
}

function referencesFrom({ code, entries, shortest }: Program, entry: number): Reference[] {
  const found: Reference[] = [];
  const seen = new Set<number>();
  const open = [{ at: entry, deeper: false }];
  for (let one = open.pop(); one; one = open.pop()) {
    const { at, deeper } = one;
    const key = 2 * at + Number(deeper);
    if (seen.has(key)) continue;
    seen.add(key);
    const go = (to: number, inside = false) => open.push({ at: to, deeper: deeper || inside });
    const instruction = code[at];
    switch (instruction?.op) {
      case 'either':
        for (const target of instruction.targets) go(target);
        break;
      case 'loop':
        go(instruction.body);
        go(instruction.next);
        break;
      case 'repeat':
        go(instruction.body, true);
        if (instruction.least === 0) go(instruction.next);
        break;
      case 'jump':
        found.push({ rule: instruction.rule, deeper });
        break;
      case 'call':
        found.push({ rule: instruction.rule, deeper: true });
        if (shortest[entries[instruction.rule] ?? -1] === 0) go(instruction.next);
        break;
      case 'byte':
      case 'return':
      case undefined:
    }
  }
  return found;
}
