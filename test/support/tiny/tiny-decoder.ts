import { MOMENTS } from '../../../src/ml/train/graph/adamw.ts';
import { decoderParameters, type DecoderShape } from '../../../src/ml/train/graph/decoder.ts';

/** The decoder of `test/oracles/training-step.py`. */
export const tinyShape: DecoderShape = {
  ...{ vocabulary: 24, hidden: 16, layers: 2, heads: 2, feedForward: 32, contextTokens: 32 },
  ...{ ropeBase: 10_000, normEpsilon: 1e-5 },
};

/** Its parameters, which are waves, and running means of 0. */
export function waves(): (name: string) => Float32Array<ArrayBuffer> {
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  decoderParameters(tinyShape).forEach(({ name, dims }, k) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    values.set(
      name,
      Float32Array.from({ length: size }, (_, i) => 0.3 * Math.sin(0.7 * i + 1.3 * k)),
    );
    for (const moment of MOMENTS) values.set(`${name}.${moment}`, new Float32Array(size));
  });
  return (name) => values.get(name)!;
}
