import { uniformAt } from '../../lib/random.ts';
import { allocate, type Memory } from '../ort/memory.ts';
import type { Session, Value } from '../ort/session.ts';
import { MOMENTS, NEXT, type Parameter } from './graph/adamw.ts';
import type { NamedTensor } from './write-safetensors.ts';

/** A named tensor of the state: a parameter, or one of its running means. */
interface StateTensor {
  name: string;
  dims: readonly number[];
  from: number;
  size: number;
}

/**
 * Parameters and their running means, in the memory where the graph computes. There are two copies: a step reads one
 * and writes the other, so nothing is copied from step to step, and nothing is overwritten that is still read.
 */
export class TrainingState implements Disposable {
  readonly #tensors: readonly StateTensor[];
  readonly #copies: readonly [Memory, Memory];
  readonly #values: readonly [Record<string, Value>, Record<string, Value>];
  readonly #views: Disposable[] = [];
  #current: 0 | 1 = 0;

  constructor(session: Session, parameters: readonly Parameter[]) {
    this.#tensors = layOut(parameters);
    const size = this.#tensors.reduce((end, tensor) => Math.max(end, tensor.from + tensor.size), 0);
    this.#copies = [allocate(session, 'float32', size), allocate(session, 'float32', size)];
    this.#values = [this.#view(this.#copies[0]), this.#view(this.#copies[1])];
  }

  /** What a step reads. */
  get inputs(): Record<string, Value> {
    return this.#values[this.#current];
  }

  /** What a step writes. */
  get outputs(): Record<string, Value> {
    const next = Object.entries(this.#values[this.#current === 0 ? 1 : 0]);
    return Object.fromEntries(next.map(([name, value]) => [name + NEXT, value]));
  }

  /** The parameters alone, as an evaluation reads them. */
  get parameters(): Record<string, Value> {
    return Object.fromEntries(Object.entries(this.inputs).filter(([name]) => !isMoment(name)));
  }

  /** Makes what the last step wrote the current state. */
  advance(): void {
    this.#current = this.#current === 0 ? 1 : 0;
  }

  read(): Map<string, NamedTensor> {
    const memory = this.#copies[this.#current];
    return new Map(
      this.#tensors.map(({ name, dims, from, size }) => [
        name,
        { dims, data: Float32Array.from(memory.read(from, size)) },
      ]),
    );
  }

  readParameters(): Map<string, NamedTensor> {
    return new Map([...this.read()].filter(([name]) => !isMoment(name)));
  }

  /** @param valueOf the values of a tensor, as many as it has elements */
  write(valueOf: (name: string) => Float32Array<ArrayBuffer>): void {
    for (const { name, size, from } of this.#tensors) {
      const data = valueOf(name);
      if (data.length !== size) throw new RangeError(`${name} has ${size} elements, not ${data.length}`);
      this.#copies[this.#current].write(from, data);
    }
  }

  [Symbol.dispose](): void {
    for (const view of this.#views.splice(0)) view[Symbol.dispose]();
    for (const copy of this.#copies) copy[Symbol.dispose]();
  }

  #view(memory: Memory): Record<string, Value> {
    const views = this.#tensors.map(({ name, dims, from }) => [name, memory.view(from, dims)] as const);
    this.#views.push(...views.map(([, view]) => view));
    return Object.fromEntries(views);
  }
}

const isMoment = (name: string): boolean => MOMENTS.some((moment) => name.endsWith(`.${moment}`));

/** Tensors begin at multiples of 16 elements, as kernels like them. */
const ALIGNMENT = 16;

function layOut(parameters: readonly Parameter[]): StateTensor[] {
  let end = 0;
  return parameters.flatMap(({ name, dims }) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return [name, ...MOMENTS.map((moment) => `${name}.${moment}`)].map((each) => {
      const from = end;
      end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
      return { name: each, dims, from, size };
    });
  });
}

/** The state before the first step: normally distributed parameters, running means of 0. */
export function initialState(
  parameters: readonly Parameter[],
  seed: number,
): (name: string) => Float32Array<ArrayBuffer> {
  const initial = new Map<string, Float32Array<ArrayBuffer>>();
  let drawn = 0;
  for (const { name, dims, deviation } of parameters) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const values = Float32Array.from({ length: size }, (_, i) => deviation * normalAt(seed, drawn + i));
    drawn += size;
    initial.set(name, values);
    for (const moment of MOMENTS) initial.set(`${name}.${moment}`, new Float32Array(size));
  }
  return (name) => initial.get(name) ?? new Float32Array(0);
}

/** A normally distributed number as a function of seed and counter (Box and Muller 1958). */
function normalAt(seed: number, counter: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(seed, 2 * counter)));
  return radius * Math.cos(2 * Math.PI * uniformAt(seed, 2 * counter + 1));
}
