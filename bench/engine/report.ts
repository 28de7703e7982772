import { availableParallelism, cpus, totalmem } from 'node:os';
import { median, round } from '../support/statistics.ts';
import type { Options, SideName } from './options.ts';
import { THREADS } from './parts.ts';
import { versionOf } from './peers.ts';
import type { Results } from './results.ts';
import type { Speed } from './work.ts';

const titles: Record<SideName, string> = {
  raw: 'ours, the engine alone',
  graphql: 'ours, GraphQL subscription',
  llama: 'node-llama-cpp',
  transformers: 'transformers.js',
};

export function describeSetup({ only, rounds }: Options): string {
  const [cpu] = cpus();
  const ours = new URL('../../', import.meta.url);
  const versions = [
    `Node.js ${process.version}`,
    versionOf('onnxruntime-node', ours),
    ...(only.includes('llama') ? [versionOf('node-llama-cpp')] : []),
    ...(only.includes('transformers') ? [versionOf('@huggingface/transformers')] : []),
  ];
  return [
    `${cpu?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    versions.join(', '),
    `${THREADS} threads each; medians of ${rounds} interleaved rounds; 100-token prompts, 64 tokens each`,
  ].join('\n');
}

export function describeResults(results: Results, { drafts }: Options): string {
  const names = [...results.speeds.keys()];
  const speeds = names.flatMap((name) =>
    drafts.map((count) => {
      const of = (figure: keyof Speed) => speed(results, name, count, figure).toFixed(1);
      return [titles[name], String(count), of('tokensPerSecond'), of('firstTokensMs'), of('stepMs')];
    }),
  );
  const others = names.map((name) => {
    const prefill = results.prefill.get(name);
    return [titles[name], prefill ? median(prefill).toFixed(0) : '–', String(results.peakRssMb.get(name) ?? '–')];
  });
  return [
    table(['', 'drafts', 'tokens/s', 'all first tokens, ms', 'ms a step'], speeds),
    table(['', 'prefill of 8 prompts, tokens/s', 'peak memory, MB'], others),
    ...notes(results),
  ].join('\n\n');
}

function notes({ kernelsMs, alone, whilePrefilling, delays, perplexity }: Results): string[] {
  const lines: string[] = [];
  if (kernelsMs.length > 0) lines.push(`The compiled graph alone, 8 rows: ${median(kernelsMs).toFixed(1)} ms a step`);
  for (const [when, one] of [
    ['alone', alone[0]],
    ['while 1,000-token prompts arrive', whilePrefilling],
  ] as const) {
    if (!one) continue;
    const waits = `${one.medianMs.toFixed(1)} ms (median), ${one.p99Ms.toFixed(1)} ms (p99)`;
    lines.push(`8 readers wait ${waits} for ${one.tokensPerArrival.toFixed(2)} tokens, ${when}`);
  }
  if (delays.length > 0) {
    const [p99, max] = [median(delays.map((one) => one.p99)), Math.max(...delays.map((one) => one.max))];
    lines.push(`Event loop of the server: ${p99.toFixed(1)} ms late (p99), ${max.toFixed(1)} ms (most)`);
  }
  if (perplexity) {
    const { ours, llama, tokens } = perplexity;
    lines.push(`Perplexity of ${tokens} tokens: ours ${ours.toFixed(3)}, llama.cpp ${llama.toFixed(3)}`);
  }
  return lines.length > 0 ? [lines.join('\n')] : [];
}

/** Columns as wide as their widest cell, the first flush left. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return all.map(line).join('\n');
}

/** What the goals are of. A figure whose sides did not run is left out. */
export function figuresOf(results: Results): Record<string, number> {
  const tokensPerSecond = (name: SideName, count: number) => speed(results, name, count, 'tokensPerSecond');
  const prefill = (name: SideName) => median(results.prefill.get(name) ?? []);
  const { whilePrefilling, perplexity, alone } = results;
  const all = {
    graphql8_vs_node_llama_cpp: tokensPerSecond('graphql', 8) / tokensPerSecond('llama', 8),
    graphql1_vs_node_llama_cpp: tokensPerSecond('graphql', 1) / tokensPerSecond('llama', 1),
    graphql8_vs_transformers_js: tokensPerSecond('graphql', 8) / tokensPerSecond('transformers', 8),
    raw8_vs_node_llama_cpp: tokensPerSecond('raw', 8) / tokensPerSecond('llama', 8),
    graphql8_vs_raw: tokensPerSecond('graphql', 8) / tokensPerSecond('raw', 8),
    prefill_vs_node_llama_cpp: prefill('raw') / prefill('llama'),
    step_over_kernels: speed(results, 'raw', 8, 'stepMs') / median(results.kernelsMs),
    itl_p99_over_median_while_prefilling: (whilePrefilling?.p99Ms ?? NaN) / (whilePrefilling?.medianMs ?? NaN),
    itl_p99_while_prefilling_over_median_alone:
      (whilePrefilling?.p99Ms ?? NaN) / median(alone.map(({ medianMs }) => medianMs)),
    event_loop_delay_p99_ms: median(results.delays.map(({ p99 }) => p99)),
    perplexity_ratio: (perplexity?.ours ?? NaN) / (perplexity?.llama ?? NaN),
    peak_rss_mb: results.serverPeakMb.length > 0 ? Math.max(...results.serverPeakMb) : NaN,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (Number.isFinite(value) ? [[name, round(value)]] : [])),
  );
}

function speed({ speeds }: Results, name: SideName, count: number, figure: keyof Speed): number {
  return median((speeds.get(name)?.get(count) ?? []).map((one) => one[figure]));
}
