import { Emitter, type ValueName } from './emitter.ts';

/** From the gradient of an operation's result to those of its inputs. */
type Backward = (gradient: ValueName) => readonly (readonly [input: ValueName, gradient: ValueName])[];

/**
 * Reverse-mode differentiation (Linnainmaa 1970): operations that are recorded on the way forwards are gone through
 * backwards, and each adds the nodes that compute the gradients of its inputs.
 */
export class Tape extends Emitter {
  readonly #records: { result: ValueName; backward: Backward }[] = [];
  readonly #gradients = new Map<ValueName, ValueName>();

  record(result: ValueName, backward: Backward): ValueName {
    this.#records.push({ result, backward });
    return result;
  }

  /** Adds the backward pass from a value whose gradient is known. */
  backpropagate(from: ValueName, gradient: ValueName): void {
    this.#gradients.set(from, gradient);
    for (const { result, backward } of this.#records.reverse()) {
      const known = this.#gradients.get(result);
      if (known === undefined) continue;
      for (const [input, part] of backward(known)) this.#accumulate(input, part);
    }
  }

  /** @throws Error if nothing that was differentiated depends on it */
  gradientOf(value: ValueName): ValueName {
    const gradient = this.#gradients.get(value);
    if (gradient === undefined) throw new Error(`${value} has no gradient`);
    return gradient;
  }

  #accumulate(value: ValueName, part: ValueName): void {
    const sum = this.#gradients.get(value);
    this.#gradients.set(value, sum === undefined ? part : this.op('Add', [sum, part]));
  }
}
