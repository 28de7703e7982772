import { character, CHARACTERS, type CodePoints, complement } from '../automaton/characters.ts';
import { either, type Expression, type Grammar, repeated, rule, sequence, text } from '../automaton/expression.ts';
import { checkRules } from './check-rules.ts';
import { distinctSets } from './distinct-sets.ts';
import { checkDepth, Reader } from './reader.ts';

const NAME = /[a-zA-Z][\w-]*/y;
const DEFINED = /([a-zA-Z][\w-]*)\s*::=/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const SPACE = /(?:\s|#[^\n]*)*/y;

/** A grammar in llama.cpp's notation, whose rule `root` is the answer. @throws FormatError */
export function readGbnf(source: string): Grammar {
  const rules = new GbnfReader(source).read();
  return { rules, start: checkRules(rules, 'root') };
}

class GbnfReader {
  readonly #reader: Reader;
  readonly #rules = new Map<string, Expression>();
  readonly #write = distinctSets(character);
  #depth = 0;

  constructor(source: string) {
    this.#reader = new Reader(source);
  }

  read(): ReadonlyMap<string, Expression> {
    const reader = this.#reader;
    this.#skip();
    while (!reader.isAtEnd) {
      const name = reader.match(DEFINED)?.[1];
      if (name === undefined) throw reader.error('lacks a rule, like `root ::= "yes" | "no"`,');
      if (this.#rules.has(name)) throw reader.error(`defines ${name} twice`);
      this.#rules.set(name, this.#alternatives());
      this.#skip();
    }
    return this.#rules;
  }

  #alternatives(): Expression {
    const options: Expression[] = [];
    do options.push(this.#sequence());
    while (this.#reader.takes('|'));
    return either(...options);
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    this.#skip();
    while (!['', '|', ')'].includes(this.#reader.next) && !this.#isRule()) {
      parts.push(this.#quantified(this.#atom()));
      this.#skip();
    }
    return sequence(...parts);
  }

  /** Whether another rule begins here. Nothing is taken. */
  #isRule(): boolean {
    DEFINED.lastIndex = this.#reader.at;
    return DEFINED.test(this.#reader.text);
  }

  #atom(): Expression {
    const reader = this.#reader;
    const name = reader.match(NAME)?.[0];
    if (name !== undefined) return rule(name);
    const next = reader.take();
    switch (next) {
      case '"':
        return this.#literal();
      case '[':
        return this.#write(this.#class());
      case '.':
        return this.#write(CHARACTERS);
      case '(':
        return this.#group();
      default:
        throw reader.error(`has ${JSON.stringify(next)}, which is not understood,`);
    }
  }

  #group(): Expression {
    checkDepth(++this.#depth);
    const inside = this.#alternatives();
    this.#reader.expect(')');
    this.#depth--;
    return inside;
  }

  #literal(): Expression {
    let value = '';
    while (!this.#reader.takes('"')) value += this.#character();
    return text(value);
  }

  #class(): CodePoints {
    const reader = this.#reader;
    const negated = reader.takes('^');
    const found: [number, number][] = [];
    while (!reader.takes(']')) {
      const from = this.#character().codePointAt(0) ?? 0;
      const isRange = reader.next === '-' && reader.text[reader.at + 1] !== ']' && reader.takes('-');
      found.push([from, isRange ? (this.#character().codePointAt(0) ?? 0) : from]);
    }
    return negated ? complement(found) : found;
  }

  #character(): string {
    const reader = this.#reader;
    const next = reader.take();
    if (next !== '\\') return next;
    const coded = reader.match(/x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y);
    if (!coded) {
      const escaped = reader.take();
      return ESCAPES[escaped] ?? escaped;
    }
    const point = parseInt(coded[1] ?? coded[2] ?? coded[3] ?? '', 16);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw reader.error('has no character');
    return String.fromCodePoint(point);
  }

  #quantified(body: Expression): Expression {
    const found = this.#reader.match(/([*+?])|\{\s*(\d+)\s*(,\s*(\d*)\s*)?\}/y);
    if (!found) return body;
    const [, sign, least, open, most] = found;
    if (sign === '?') return repeated(body, 0, 1);
    if (sign !== undefined) return repeated(body, sign === '+' ? 1 : 0, null);
    return repeated(body, Number(least), open === undefined ? Number(least) : most === '' ? null : Number(most));
  }

  #skip(): void {
    this.#reader.match(SPACE);
  }
}
