import { Message } from './protobuf.ts';

export type ElementType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'float16' | 'float64';
export type Attribute = number | { float: number } | { ints: readonly number[] };

const elementTypes: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  float16: 10,
  float64: 11,
};
const bytesPer: Record<ElementType, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  float16: 2,
  float64: 8,
};

const IR_VERSION = 10;
/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';
const OPSETS = { '': 21, [MICROSOFT]: 1 };

export interface ValueInfo {
  name: string;
  type: ElementType;
  /** A number is fixed; a name is chosen by the caller. */
  dims: readonly (number | string)[];
}

/** The range of a weight in the data file. */
export interface ExternalRange {
  offset: number;
  length: number;
}

/** Builds and encodes an ONNX graph, node by node. Field numbers are those of onnx.proto. */
export class GraphBuilder {
  readonly #graph = new Message();
  readonly #dataFile: string;

  /** @param dataFile name of the file with the external weights, in the model's folder */
  constructor(dataFile: string) {
    this.#dataFile = dataFile;
  }

  node(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): void {
    const node = new Message();
    for (const name of inputs) node.string(1, name);
    for (const name of outputs) node.string(2, name);
    node.string(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attributeProto(name, value));
    if (domain) node.string(7, domain);
    this.#graph.message(1, node);
  }

  /** A small weight that is stored in the graph itself. */
  constant(name: string, type: ElementType, dims: readonly number[], data: ArrayBufferView): void {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#graph.message(5, tensorProto(name, type, dims).bytes(9, raw));
  }

  /** A weight in the data file. Two names may share one range. */
  external(name: string, type: ElementType, dims: readonly number[], { offset, length }: ExternalRange): void {
    const expected = dims.reduce((product, dim) => product * dim, bytesPer[type]);
    if (expected !== length) throw new RangeError(`${name} needs ${expected} bytes, the range has ${length}`);
    const tensor = tensorProto(name, type, dims);
    for (const [key, value] of Object.entries({ location: this.#dataFile, offset, length })) {
      tensor.message(13, new Message().string(1, key).string(2, String(value)));
    }
    this.#graph.message(5, tensor.varint(14, 1));
  }

  input(value: ValueInfo): void {
    this.#graph.message(11, valueInfoProto(value));
  }

  output(value: ValueInfo): void {
    this.#graph.message(12, valueInfoProto(value));
  }

  /** The ModelProto. */
  encode(): Buffer {
    const model = new Message().varint(1, IR_VERSION).string(2, 'cadenza').message(7, this.#graph.string(2, 'decoder'));
    for (const [domain, version] of Object.entries(OPSETS))
      model.message(8, new Message().string(1, domain).varint(2, version));
    return model.encode();
  }
}

/**
 * Bytes that give a stored model more outputs when they are appended to it: a message that occurs twice is merged, and
 * its lists are joined.
 */
export function moreOutputs(values: readonly ValueInfo[]): Buffer {
  const graph = new Message();
  for (const value of values) graph.message(12, valueInfoProto(value));
  return new Message().message(7, graph).encode();
}

function attributeProto(name: string, value: Attribute): Message {
  const attribute = new Message().string(1, name);
  if (typeof value === 'number') return attribute.varint(3, value).varint(20, 2);
  if ('float' in value) return attribute.float(2, value.float).varint(20, 1);
  for (const int of value.ints) attribute.varint(8, int);
  return attribute.varint(20, 7);
}

function tensorProto(name: string, type: ElementType, dims: readonly number[]): Message {
  const tensor = new Message();
  for (const dim of dims) tensor.varint(1, dim);
  return tensor.varint(2, elementTypes[type]).string(8, name);
}

function valueInfoProto({ name, type, dims }: ValueInfo): Message {
  const shape = new Message();
  for (const dim of dims) {
    const proto = new Message();
    shape.message(1, typeof dim === 'number' ? proto.varint(1, dim) : proto.string(2, dim));
  }
  const tensorType = new Message().varint(1, elementTypes[type]).message(2, shape);
  return new Message().string(1, name).message(2, new Message().message(1, tensorType));
}
