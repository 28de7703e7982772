/** Compiles src/ to dist/ if any source is newer than the last compilation. */
export function compile(): void;
