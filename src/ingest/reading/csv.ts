import { type Line, type LineProblem, MAX_LINE_BYTES } from './lines.ts';

/** A record and its first line, or a problem. */
export type CsvRecord = { line: number; values: string[] } | LineProblem;

export type Separator = ',' | ';' | '\t';

const SEPARATORS: readonly Separator[] = [',', ';', '\t'];

/** The separator that occurs most often outside quotes in the first line. A comma if there is none. */
export function separatorOf(line: string): Separator {
  const bare = line.replace(/"[^"]*"/g, '');
  const count = (separator: Separator): number => bare.split(separator).length;
  return SEPARATORS.reduce((best, separator) => (count(separator) > count(best) ? separator : best));
}

/**
 * Assembles CSV records (RFC 4180: double quotes, doubled within them) from lines. A quoted value may span several
 * lines and have spaces around its quotes. If a quote is not closed, only the line that opened it is bad, and reading
 * continues after it.
 */
export class CsvReader {
  readonly #separator: Separator;
  /** The lines of the incomplete record, and its parser. */
  #pending: Line[] = [];
  #size = 0;
  #parser: RecordParser | null = null;

  constructor(separator: Separator) {
    this.#separator = separator;
  }

  push(lines: readonly Line[]): CsvRecord[] {
    const records: CsvRecord[] = [];
    for (const line of lines) this.#take(line, records);
    return records;
  }

  end(): CsvRecord[] {
    const records: CsvRecord[] = [];
    while (this.#pending.length > 0) this.#giveUp(records);
    return records;
  }

  #take(line: Line, records: CsvRecord[]): void {
    if ('problem' in line) {
      if (this.#parser) this.#giveUp(records);
      if (this.#parser) this.#take(line, records);
      else records.push(line);
      return;
    }
    if (!this.#parser && line.text.trim() === '') return;
    if (!this.#parser && !line.text.includes('"')) {
      records.push({ line: line.line, values: line.text.split(this.#separator) });
      return;
    }
    this.#feed(line, records);
  }

  #feed(line: Line & { text: string }, records: CsvRecord[]): void {
    this.#parser ??= new RecordParser(this.#separator);
    this.#pending.push(line);
    this.#size += Buffer.byteLength(line.text) + 1;
    const begun = this.#pending[0]?.line ?? line.line;
    const result = this.#parser.feed(line.text);
    switch (result.kind) {
      case 'more':
        if (this.#size > MAX_LINE_BYTES) this.#giveUp(records);
        return;
      case 'record':
        records.push({ line: begun, values: result.values });
        this.#reset();
        return;
      case 'problem':
        // The quote that seemed to end the value opened one of a later line, so the lines in between are records of
        // their own.
        if (this.#pending.length > 1) {
          this.#giveUp(records);
          return;
        }
        records.push({ line: begun, problem: result.problem });
        this.#reset();
        return;
    }
  }

  /** The opening line is bad, and the lines after it were not part of a value. */
  #giveUp(records: CsvRecord[]): void {
    const [opening, ...rest] = this.#pending;
    this.#reset();
    if (opening) records.push({ line: opening.line, problem: 'a quote that opens here is not closed' });
    for (const line of rest) this.#take(line, records);
  }

  #reset(): void {
    this.#parser = null;
    this.#pending = [];
    this.#size = 0;
  }
}

type Fed = { kind: 'more' } | { kind: 'record'; values: string[] } | { kind: 'problem'; problem: string };

class RecordParser {
  readonly #separator: Separator;
  readonly #values: string[] = [];
  /** Pieces of the open quoted value. Null between values. */
  #quoted: string[] | null = null;

  constructor(separator: Separator) {
    this.#separator = separator;
  }

  feed(text: string): Fed {
    let at = 0;
    if (this.#quoted) this.#quoted.push('\n');
    for (;;) {
      if (!this.#quoted) {
        const quote = skipSpaces(text, at);
        if (text[quote] === '"') {
          this.#quoted = [];
          at = quote + 1;
          continue;
        }
        const end = text.indexOf(this.#separator, at);
        this.#values.push(text.slice(at, end < 0 ? text.length : end));
        if (end < 0) return { kind: 'record', values: this.#values };
        at = end + 1;
        continue;
      }
      const close = text.indexOf('"', at);
      this.#quoted.push(text.slice(at, close < 0 ? text.length : close));
      if (close < 0) return { kind: 'more' };
      at = close + 1;
      if (text[at] === '"') {
        this.#quoted.push('"');
        at++;
        continue;
      }
      this.#values.push(this.#quoted.join(''));
      this.#quoted = null;
      const next = skipSpaces(text, at);
      if (next === text.length) return { kind: 'record', values: this.#values };
      if (text[next] !== this.#separator)
        return { kind: 'problem', problem: `there is text after the closing quote: ${text.slice(at, at + 20)}` };
      at = next + 1;
    }
  }
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at++;
  return at;
}
