// Elements of typed arrays. One function for each type, for a loop is compiled to fast code only where it always meets the same.
// The innermost loops of rankings and of training do without these, and take 0 for what cannot be missing: a call there costs up
// to a fifth, even where it is inlined.

const missing = (at: number, { length }: { length: number }): never => {
  throw new RangeError(`There is no element ${at} of ${length}`);
};

/** @throws RangeError outside of the array, as all of these */
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
