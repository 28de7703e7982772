/** Decodes the block at byte `at` into `out` from `to` on. */
export type BlockDecoder = (view: DataView, at: number, out: Float32Array, to: number) => void;
