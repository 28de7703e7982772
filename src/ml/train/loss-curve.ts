import type { CurvePoint } from './training-progress.ts';

const [WIDTH, HEIGHT] = [720, 400];
const MARGIN = { left: 64, right: 16, top: 32, bottom: 48 };
const GRID_LINES = 5;
const LINES = [
  { name: 'training', colour: '#1f77b4', valueOf: ({ loss }: CurvePoint) => loss },
  { name: 'validation', colour: '#d62728', valueOf: ({ validation }: CurvePoint) => validation },
];

/** A picture of both losses over the tokens seen, as SVG. */
export function lossCurve(curve: readonly CurvePoint[]): string {
  const values = curve.flatMap((point) => LINES.map(({ valueOf }) => valueOf(point)));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const most = curve.at(-1)?.tokens ?? 1;
  const x = (tokens: number) => MARGIN.left + (tokens / most) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((value - low) / (high - low || 1)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const shares = Array.from({ length: GRID_LINES }, (_, i) => i / (GRID_LINES - 1));
  const parts = [
    ...shares.map((share) => gridLine(y(low + share * (high - low)), low + share * (high - low))),
    ...shares.map((share) => label(x(share * most), HEIGHT - 24, `${((share * most) / 1e6).toFixed(2)} M`, 'middle')),
    ...LINES.flatMap(({ name, colour, valueOf }, i) => [
      polyline(
        curve.map((point) => `${x(point.tokens).toFixed(1)},${y(valueOf(point)).toFixed(1)}`),
        colour,
      ),
      label(WIDTH - MARGIN.right, MARGIN.top + 18 * i, name, 'end', colour),
    ]),
    label(MARGIN.left, 16, 'cross-entropy, nats per token', 'start'),
    label((WIDTH + MARGIN.left) / 2, HEIGHT - 6, 'tokens seen', 'middle'),
  ];
  const size = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

function gridLine(at: number, value: number): string {
  const line = `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="#ddd"/>`;
  return line + label(MARGIN.left - 6, at + 4, value.toFixed(2), 'end');
}

const polyline = (points: readonly string[], colour: string): string =>
  `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;

const label = (x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end', colour = '#333'): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${text}</text>`;
