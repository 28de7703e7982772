import type { Architecture } from '../checkpoint/architecture.ts';
import { MICROSOFT } from '../onnx/graph-builder.ts';
import type { TensorSource } from '../weights.ts';
import { addLinear, type Making } from './making.ts';

/** A gated linear unit (Shazeer 2020): down(f(gate x) · up x), where f is SiLU or GELU. */
export async function addFeedForward(
  making: Making,
  layer: number,
  input: string,
  norm: string | null,
): Promise<string> {
  const { graph, architecture } = making;
  const { hidden, feedForward, residualScale, activation } = architecture;
  const name = (part: string) => `layer.${layer}.${part}`;
  for (const [i, part] of ['gate', 'up'].entries()) {
    const sources = gateAndUp(architecture, layer).slice(i, i + 1);
    await addLinear(making, { name: name(part), input, sources, columns: hidden, norm });
  }
  const activated = activation === 'silu' ? addSilu(making, layer) : name('gelu');
  if (activation === 'gelu') graph.node('FastGelu', [name('gate')], [activated], {}, MICROSOFT);
  graph.node('Mul', [activated, name('up')], [name('gated')]);
  const down = [{ tensor: `blk.${layer}.ffn_down`, rows: hidden, factor: residualScale }];
  return addLinear(making, { name: name('feed_forward'), input: name('gated'), sources: down, columns: feedForward });
}

export function gateAndUp({ feedForward }: Architecture, layer: number): TensorSource[] {
  return ['gate', 'up'].map((part) => ({ tensor: `blk.${layer}.ffn_${part}`, rows: feedForward }));
}

function addSilu({ graph }: Making, layer: number): string {
  const name = (part: string) => `layer.${layer}.${part}`;
  graph.node('Sigmoid', [name('gate')], [name('sigmoid')]);
  graph.node('Mul', [name('gate'), name('sigmoid')], [name('silu')]);
  return name('silu');
}
