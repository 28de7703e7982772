const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const NOTHING = new Uint8Array(0);

/**
 * Decodes UTF-8 that arrives in pieces, which may end inside a character. It returns whole characters and keeps the
 * rest for the next piece. Bytes that can never form a character become U+FFFD at once, as in the WHATWG decoder, and
 * so does U+0000, for which byte-level vocabularies have a token but which PostgreSQL cannot store ([GEN6]).
 */
export class Utf8Stream {
  #pending = NOTHING;

  /** Number of bytes of an incomplete character at the end: 0 to 3. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  push(bytes: Uint8Array): string {
    const all = concat(this.#pending, bytes);
    const end = all.length - incompleteTail(all);
    this.#pending = all.slice(end);
    return decode(all.subarray(0, end));
  }

  /** What `push` would return, without taking the bytes. */
  peek(bytes: Uint8Array): string {
    const all = concat(this.#pending, bytes);
    return decode(all.subarray(0, all.length - incompleteTail(all)));
  }

  /** The end of the text. An incomplete character becomes one U+FFFD. */
  flush(): string {
    const text = decode(this.#pending);
    this.#pending = NOTHING;
    return text;
  }
}

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes).replaceAll('\0', '\uFFFD');
}

/** Number of bytes at the end that begin a character which more bytes could complete. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const start = bytes.length - back;
    const lead = bytes[start] ?? 0;
    if (isContinuation(lead)) continue;
    const complete = back >= lengthAfter(lead);
    return complete || (back > 1 && !mayFollow(lead, bytes[start + 1] ?? 0)) ? 0 : back;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Length of the character that a lead byte opens; 1 if it opens none. */
function lengthAfter(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 1;
}

/** Excludes second bytes of overlong forms, surrogates and code points above U+10FFFF (RFC 3629). */
function mayFollow(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
