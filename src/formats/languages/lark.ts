import { character, type CodePoints } from '../automaton/characters.ts';
import { either, type Expression, type Grammar, repeated, rule, sequence } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';
import { checkRules } from './check-rules.ts';
import { distinctSets } from './distinct-sets.ts';
import { LARK_COMMON } from './lark-common.ts';
import { checkDepth, Reader } from './reader.ts';
import { wholeMatch } from './regular-expression.ts';

const NAME = /_*[a-zA-Z]\w*/y;
/** A rule or a terminal, how it is shown in a tree, and its priority, which decides nothing here. */
const DEFINED = /[?!]*(_*[a-zA-Z]\w*)(\.-?\d+)?[^\S\n]*:/y;
const STRING = /"((?:[^"\\\n]|\\.)*)"(i?)/y;
const PATTERN = /\/((?:[^/\\\n]|\\.)+)\/([a-z]*)/y;
const IMPORT = /%import[^\S\n]+common(?:\.(\w+)(?:[^\S\n]*->[^\S\n]*(\w+))?|[^\S\n]*\(([\w\s,]+)\))/y;

/**
 * A grammar in Lark's notation, whose rule `start` is the answer: all texts that its rules have, however they would be cut
 * into terminals.
 * @throws FormatError for what it does not have: %ignore, %declare, templates, imports of other files
 */
export function readLark(source: string): Grammar {
  const rules = new LarkReader(source).read();
  return { rules, start: checkRules(rules, 'start') };
}

class LarkReader {
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
      if (reader.next === '%') this.#import();
      else this.#define();
      this.#skip();
    }
    return this.#rules;
  }

  #define(): void {
    const reader = this.#reader;
    const name = reader.match(DEFINED)?.[1];
    if (name === undefined) throw reader.error('lacks a rule, like `start: "yes" | "no"`,');
    this.#add(name, this.#alternatives());
  }

  #add(name: string, body: Expression): void {
    if (this.#rules.has(name)) throw this.#reader.error(`defines ${name} twice`);
    this.#rules.set(name, body);
  }

  #import(): void {
    const reader = this.#reader;
    const found = reader.match(IMPORT);
    if (!found)
      throw reader.error(`has ${reader.match(/%\w+/y)?.[0] ?? '%'}, which is not supported except %import common,`);
    const [, one, alias, several] = found;
    const names = several?.split(',').map((name) => name.trim()) ?? [one ?? ''];
    for (const name of names) {
      const pattern = LARK_COMMON.get(name);
      if (pattern === undefined) throw reader.error(`imports common.${name}, which is not known,`);
      this.#add(alias ?? name, wholeMatch(pattern, this.#write));
    }
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
    while (!['', '|', ')', ']', '%'].includes(this.#reader.next) && !this.#isRule()) {
      // The name of an alternative in a tree.
      if (!this.#reader.match(/->\s*\w+/y)) parts.push(this.#quantified(this.#atom()));
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
    const string = reader.match(STRING);
    if (string) return this.#string(string);
    const pattern = reader.match(PATTERN);
    if (pattern) return this.#pattern(pattern);
    const name = reader.match(NAME)?.[0];
    if (name !== undefined) {
      if (reader.next === '{') throw reader.error('has a template, which is not supported,');
      return rule(name);
    }
    const next = reader.take();
    if (next === '(') return this.#group(')');
    if (next === '[') return repeated(this.#group(']'), 0, 1);
    throw reader.error(`has ${JSON.stringify(next)}, which is not understood,`);
  }

  #group(end: string): Expression {
    checkDepth(++this.#depth);
    const inside = this.#alternatives();
    this.#reader.expect(end);
    this.#depth--;
    return inside;
  }

  /** A text, in any case of its letters if it has an `i`, or a range of characters. */
  #string([, quoted = '', flag]: RegExpExecArray): Expression {
    const from = unquoted(quoted);
    if (this.#reader.match(/\.\.(?=")/y)) {
      const to = unquoted(this.#reader.match(STRING)?.[1] ?? '');
      return character([[from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]]);
    }
    const points = Array.from(from, (one): CodePoints => {
      const cases = flag === 'i' ? [one.toLowerCase(), one.toUpperCase()] : [one];
      return cases.filter((each) => Array.from(each).length === 1).map((each) => [at(each), at(each)] as const);
    });
    return sequence(...points.map(character));
  }

  #pattern([, source = '', flags = '']: RegExpExecArray): Expression {
    if (flags !== '') throw this.#reader.error(`has flags of an expression, ${flags}, which are not supported,`);
    // Python's expressions may have a backslash before a quotation mark.
    return wholeMatch(source.replace(/\\(["'])/g, '$1'), this.#write);
  }

  #quantified(body: Expression): Expression {
    const found = this.#reader.match(/([*+?])|\s*~\s*(\d+)(?:\.\.(\d+))?/y);
    if (!found) return body;
    const [, sign, least, most] = found;
    if (sign === '?') return repeated(body, 0, 1);
    if (sign !== undefined) return repeated(body, sign === '+' ? 1 : 0, null);
    return repeated(body, Number(least), Number(most ?? least));
  }

  #skip(): void {
    this.#reader.match(/(?:\s|\/\/[^\n]*|#[^\n]*)*/y);
  }
}

const at = (one: string): number => one.codePointAt(0) ?? 0;

function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(`"${quoted.replaceAll("\\'", "'")}"`));
  } catch {
    throw new FormatError(`has a string with an unknown escape, ${JSON.stringify(quoted)}`);
  }
}
