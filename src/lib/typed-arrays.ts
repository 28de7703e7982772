// Elements of typed arrays. There is one function for each type, because a call site that always sees the same type compiles to
// faster code. The innermost loops of ranking and training do not use them and write `?? 0` instead: a call there costs up to a
// fifth of the time, even if it is inlined.

const missing = (at: number, { length }: { length: number }): never => {
  throw new RangeError(`There is no element ${at} of ${length}`);
};

/** @throws RangeError if the index is out of bounds, as do all functions here */
export function f64(values: Float64Array, at: number): number {
  return values[at] ?? missing(at, values);
}

export function f32(values: Float32Array, at: number): number {
  return values[at] ?? missing(at, values);
}

/** Of single or double precision. */
export function float(values: Float32Array | Float64Array, at: number): number {
  return values[at] ?? missing(at, values);
}

export function i32(values: Int32Array, at: number): number {
  return values[at] ?? missing(at, values);
}

export function u32(values: Uint32Array, at: number): number {
  return values[at] ?? missing(at, values);
}

export function u8(values: Uint8Array, at: number): number {
  return values[at] ?? missing(at, values);
}
