import { ByteClasses } from './byte-classes.ts';
import type { Expression, Grammar } from './expression.ts';
import { leftRecursion } from './left-recursion.ts';
import { ALL_BYTES, FormatError, type Instruction, type Program } from './program.ts';
import { shortestOf } from './shortest.ts';

const MOST_INSTRUCTIONS = 32_768;
const MOST_RULES = 512;

/**
 * @param alphabet bytes that can be written
 * @throws FormatError for a grammar that is too large, has no finite text, or refers to itself without a byte before
 */
export function compileGrammar(grammar: Grammar, alphabet: ReadonlySet<number> = ALL_BYTES): Program {
  if (grammar.rules.size > MOST_RULES) throw new FormatError(`has more than ${MOST_RULES} rules`);
  const program = new Compiler(grammar, alphabet).compile();
  const recursive = leftRecursion(program);
  if (recursive !== null)
    throw new FormatError(`refers to itself without a character before: the rule ${recursive} is left-recursive`);
  if (program.shortest[program.start] === Infinity) throw new FormatError('has no finite answer');
  return program;
}

class Compiler {
  readonly #grammar: Grammar;
  readonly #code: Instruction[] = [{ op: 'return' }];
  readonly #classes: ByteClasses;
  readonly #emitted = new Map<Expression, Map<number, number>>();
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(grammar: Grammar, alphabet: ReadonlySet<number>) {
    this.#grammar = grammar;
    this.#numbers = new Map([...grammar.rules.keys()].map((name, i) => [name, i]));
    this.#classes = new ByteClasses(alphabet);
  }

  compile(): Program {
    const entries = [...this.#grammar.rules.values()].map((expression) => this.#emit(expression, 0));
    const start = this.#emit(this.#grammar.start, 0);
    const code = this.#code;
    const shortest = shortestOf(code, entries);
    const final = code.map((one) => (one.op === 'repeat' && shortest[one.body] === 0 ? { ...one, least: 0 } : one));
    const { of: classOf, count: classes } = this.#classes;
    return {
      code: final,
      start,
      entries,
      rules: [...this.#numbers.keys()],
      shortest,
      classOf,
      classes,
      sets: this.#classes.tables(),
    };
  }

  #add(instruction: Instruction): number {
    if (this.#code.length >= MOST_INSTRUCTIONS) throw new FormatError('is too large');
    return this.#code.push(instruction) - 1;
  }

  /** @returns where the code begins that takes the expression and goes on at `next`. It is made from its end */
  #emit(expression: Expression, next: number): number {
    const known = this.#emitted.get(expression) ?? new Map<number, number>();
    this.#emitted.set(expression, known);
    const found = known.get(next) ?? this.#emitNew(expression, next);
    known.set(next, found);
    return found;
  }

  #emitNew(expression: Expression, next: number): number {
    switch (expression.type) {
      case 'byte': {
        const set = this.#classes.add(expression.ranges);
        return set === null ? this.#add({ op: 'either', targets: [] }) : this.#add({ op: 'byte', set, next });
      }
      case 'text':
        return expression.bytes.reduceRight(
          (after, byte) => this.#emitNew({ type: 'byte', ranges: [[byte, byte]] }, after),
          next,
        );
      case 'sequence':
        return expression.parts.reduceRight((after, part) => this.#emit(part, after), next);
      case 'either':
        return this.#add({ op: 'either', targets: expression.options.map((option) => this.#emit(option, next)) });
      case 'rule': {
        const number = this.#numbers.get(expression.name) ?? -1;
        return this.#add(next === 0 ? { op: 'jump', rule: number } : { op: 'call', rule: number, next });
      }
      case 'repeat':
        return this.#emitRepeat(expression, next);
    }
  }

  #emitRepeat({ body, least, most }: Extract<Expression, { type: 'repeat' }>, next: number): number {
    if (most === 0) return next;
    if (most === 1)
      return least === 1
        ? this.#emit(body, next)
        : this.#add({ op: 'either', targets: [this.#emit(body, next), next] });
    if (most !== null || least > 1) return this.#add({ op: 'repeat', body: this.#emit(body, 0), least, most, next });
    // The body comes back to an instruction that is there before it.
    const loop = this.#add({ op: 'loop', body: next, next });
    const inside = this.#emit(body, loop);
    this.#code[loop] = { op: 'loop', body: inside, next };
    return least === 1 ? inside : loop;
  }
}
