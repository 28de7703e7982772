/** A model file is truncated, corrupt or of a kind that the compiler does not support. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
}
