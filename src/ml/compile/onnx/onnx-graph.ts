import { ModelFileError } from '../checkpoint/model-file-error.ts';
import { type ByteRange, ProtobufFile } from './protobuf-file.ts';

/** An input or output. A dimension without a number is chosen by the caller. */
export interface GraphValue {
  name: string;
  /** ONNX's number for the element type. */
  type: number;
  dims: readonly (number | null)[];
}

/** A summary of an ONNX graph. */
export interface GraphSummary {
  inputs: readonly GraphValue[];
  outputs: readonly GraphValue[];
  operators: ReadonlySet<string>;
  /** The results of the layer norms, in the graph's order. */
  layerNorms: readonly string[];
  /** Number of elements of all weights. */
  parameters: number;
}

/** Field numbers of onnx.proto. */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 };
const NODE = { output: 2, operator: 4 };
const TENSOR = { dims: 1 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
const TENSOR_TYPE = { element: 1, shape: 2 };
const SHAPE = { dim: 1 };
const DIM = { value: 1 };

/** @throws ModelFileError if the file is not an ONNX graph, or is truncated or corrupt */
export function readOnnxGraph(path: string): GraphSummary {
  using file = new ProtobufFile(path);
  const graph = contents(file, file.all, MODEL.graph)[0];
  if (!graph) throw new ModelFileError('the file contains no ONNX graph');
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const operators = new Set<string>();
  const layerNorms: string[] = [];
  let parameters = 0;
  for (const field of file.fields(graph)) {
    if (field.kind === 'number') continue;
    if (field.id === GRAPH.node) {
      const [operator] = contents(file, field, NODE.operator).map((name) => file.text(name));
      operators.add(operator ?? '');
      const [output] = contents(file, field, NODE.output);
      if (operator === 'LayerNormalization' && output) layerNorms.push(file.text(output));
    }
    if (field.id === GRAPH.initializer) parameters += elementsOf(file, field);
    if (field.id === GRAPH.input) inputs.push(readValue(file, field));
    if (field.id === GRAPH.output) outputs.push(readValue(file, field));
  }
  return { inputs, outputs, operators, layerNorms, parameters };
}

function readValue(file: ProtobufFile, value: ByteRange): GraphValue {
  const [name] = contents(file, value, VALUE.name);
  const tensor = contents(file, value, VALUE.type).flatMap((type) => contents(file, type, TYPE.tensor))[0];
  if (!name || !tensor) throw new ModelFileError('the graph has an input or output that is not a tensor');
  const dims = contents(file, tensor, TENSOR_TYPE.shape)
    .flatMap((shape) => contents(file, shape, SHAPE.dim))
    .map((dim) => numbers(file, dim, DIM.value)[0] ?? null);
  return { name: file.text(name), type: numbers(file, tensor, TENSOR_TYPE.element)[0] ?? 0, dims };
}

/** Dimensions are stored one by one, or packed into one field. */
function elementsOf(file: ProtobufFile, tensor: ByteRange): number {
  const single = numbers(file, tensor, TENSOR.dims);
  return single.reduce((product, dim) => product * dim, 1);
}

function contents(file: ProtobufFile, message: ByteRange, id: number): ByteRange[] {
  return [...file.fields(message)].flatMap((field) => (field.kind === 'content' && field.id === id ? [field] : []));
}

function numbers(file: ProtobufFile, message: ByteRange, id: number): number[] {
  return [...file.fields(message)].flatMap((field) =>
    field.kind === 'number' && field.id === id ? [field.value] : [],
  );
}
