/** Writes the block at `at` (bytes) to `out` from `to` on. */
export type BlockDecoder = (view: DataView, at: number, out: Float32Array, to: number) => void;
