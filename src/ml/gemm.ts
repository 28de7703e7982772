import { availableParallelism } from 'node:os';
import { GraphBuilder } from './compile/onnx/graph-builder.ts';
import { Binding, Session } from './ort/session.ts';
import { Tensor } from './ort/tensor.ts';

type Floats = Float32Array | Float64Array;

/** A matrix in row order, in memory of its own: [rows, columns]. */
export interface Matrix {
  data: Floats;
  rows: number;
  columns: number;
}

type Form = 'product' | 'difference';
type FloatType = 'float32' | 'float64';

/**
 * Matrix products with ONNX Runtime's kernels, on all cores, for training's linear algebra. They block the calling
 * thread, so use them in a worker. All operands of a call have the same type. The second one is passed transposed, so
 * that both are read along their rows.
 */
export class Gemm implements Disposable {
  readonly #sessions = new Map<string, Session>();

  /** `out = a · bᵀ`: a [m, k], b [n, k], out [m, n]. @throws OrtError */
  product(a: Matrix, b: Matrix, out: Matrix): void {
    if (isSmall(a, b)) multiply(a, b, (at, product) => (out.data[at] = product));
    else this.#run('product', { a, b }, out);
  }

  /** `c −= a · bᵀ`, in place: a [m, k], b [n, k], c [m, n]. @throws OrtError */
  subtractProduct(a: Matrix, b: Matrix, c: Matrix): void {
    if (isSmall(a, b)) multiply(a, b, (at, product) => (c.data[at] = (c.data[at] ?? 0) - product));
    else this.#run('difference', { a, b, c }, c);
  }

  #run(form: Form, operands: Record<string, Matrix>, out: Matrix): void {
    const session = this.#session(form, out.data instanceof Float32Array ? 'float32' : 'float64');
    const inputs = Object.entries(operands).map(([name, matrix]) => [name, tensorOf(matrix)] as const);
    using output = tensorOf(out);
    try {
      using binding = new Binding(session, Object.fromEntries(inputs), { y: output });
      binding.runBlocking();
    } finally {
      for (const [, tensor] of inputs) tensor[Symbol.dispose]();
    }
  }

  #session(form: Form, type: FloatType): Session {
    const key = `${form} ${type}`;
    const known = this.#sessions.get(key);
    if (known) return known;
    const session = Session.ofBytes(graphOf(form, type), { threads: availableParallelism() });
    this.#sessions.set(key, session);
    return session;
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions.values()) session[Symbol.dispose]();
    this.#sessions.clear();
  }
}

/** For fewer operations, loading ONNX Runtime takes longer than the product. */
const SMALL = 50_000;
const isSmall = (a: Matrix, b: Matrix): boolean => a.rows * b.rows * a.columns < SMALL;

function multiply(a: Matrix, b: Matrix, put: (at: number, product: number) => void): void {
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let sum = 0;
      for (let k = 0; k < a.columns; k++) sum += (a.data[i * a.columns + k] ?? 0) * (b.data[j * b.columns + k] ?? 0);
      put(i * b.rows + j, sum);
    }
  }
}

const tensorOf = ({ data, rows, columns }: Matrix): Tensor => new Tensor(data, [rows, columns]);

function graphOf(form: Form, type: FloatType): Buffer {
  const graph = new GraphBuilder('');
  graph.input({ name: 'a', type, dims: ['m', 'k'] });
  graph.input({ name: 'b', type, dims: ['n', 'k'] });
  if (form === 'difference') {
    graph.input({ name: 'c', type, dims: ['m', 'n'] });
    graph.node('Gemm', ['a', 'b', 'c'], ['y'], { transB: 1, alpha: { float: -1 }, beta: { float: 1 } });
  } else {
    graph.node('Gemm', ['a', 'b'], ['y'], { transB: 1 });
  }
  graph.output({ name: 'y', type, dims: ['m', 'n'] });
  return graph.encode();
}
