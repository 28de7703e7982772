import { InvalidInputError } from '../../lib/errors.ts';

const BOMS = [
  { encoding: 'utf-16le', bytes: Buffer.from([0xff, 0xfe]) },
  { encoding: 'utf-16be', bytes: Buffer.from([0xfe, 0xff]) },
] as const;
/** Enough bytes to distinguish the encodings. */
const START_BYTES = 4;
const NEWLINE = '\n';

/**
 * Converts text with a UTF-16 byte order mark (Excel's "Unicode text", Windows PowerShell) to UTF-8. Anything else is
 * passed through.
 * @throws InvalidInputError with the line if it is not valid UTF-16, or if the byte order mark is missing
 */
export async function* toUtf8(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  let start = Buffer.alloc(0);
  let decoder: Decoder | null = null;
  let isKnown = false;
  for await (const chunk of chunks) {
    if (isKnown) {
      yield decoder ? decoder.push(chunk) : chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < START_BYTES) continue;
    isKnown = true;
    decoder = decoderFor(start, name);
    yield decoder ? decoder.push(start) : start;
  }
  if (!isKnown && start.length > 0) yield start;
  decoder?.end();
}

function decoderFor(start: Buffer, name: string): Decoder | null {
  const bom = BOMS.find(({ bytes }) => start.subarray(0, bytes.length).equals(bytes));
  if (bom) return new Decoder(bom.encoding, name);
  const zeros = [...start.subarray(0, START_BYTES)].map((byte) => (byte === 0 ? '0' : 'x')).join('');
  const guess = { x0x0: 'UTF-16LE', '0x0x': 'UTF-16BE' }[zeros];
  if (guess === undefined) return null;
  throw new InvalidInputError(
    `${name} looks like ${guess} without a byte order mark; convert it: iconv -f ${guess} -t UTF-8 ${name}`,
    'path',
  );
}

class Decoder {
  readonly #encoding: string;
  readonly #name: string;
  readonly #decoder: TextDecoder;
  #line = 1;

  constructor(encoding: string, name: string) {
    this.#encoding = encoding;
    this.#name = name;
    this.#decoder = new TextDecoder(encoding, { fatal: true });
  }

  push(chunk: Buffer): Buffer {
    try {
      const text = this.#decoder.decode(chunk, { stream: true });
      this.#line += text.split(NEWLINE).length - 1;
      return Buffer.from(text);
    } catch {
      const [before = ''] = new TextDecoder(this.#encoding).decode(chunk).split('\uFFFD');
      throw this.#refusal(this.#line + before.split(NEWLINE).length - 1, 'an unpaired surrogate');
    }
  }

  end(): void {
    try {
      this.#decoder.decode();
    } catch {
      throw this.#refusal(this.#line, 'the file ends within a character');
    }
  }

  #refusal(line: number, reason: string): InvalidInputError {
    const encoding = this.#encoding.toUpperCase();
    return new InvalidInputError(
      `${this.#name}:${line}: not ${encoding}, as its byte order mark says: ${reason}`,
      'path',
    );
  }
}
