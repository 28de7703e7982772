/**
 * Just enough of Protocol Buffers to write an ONNX model: varints, floats, strings, nested messages. (Runner-up:
 * protobufjs with the ONNX descriptor, of which a model would use these same five calls.)
 */
export class Message {
  readonly #parts: Uint8Array[] = [];

  varint(field: number, value: number | bigint): this {
    this.#push(encodeVarint(tag(field, 0)), encodeVarint(BigInt.asUintN(64, BigInt(value))));
    return this;
  }

  float(field: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#push(encodeVarint(tag(field, 5)), bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#push(encodeVarint(tag(field, 2)), encodeVarint(BigInt(value.length)), value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.encode());
  }

  encode(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(...parts: Uint8Array[]): void {
    this.#parts.push(...parts);
  }
}

const tag = (field: number, wireType: number): bigint => BigInt((field << 3) | wireType);

function encodeVarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}
