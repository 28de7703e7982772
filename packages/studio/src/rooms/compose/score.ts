/** Where a bar is on the drawn score, in shares of its width and height. */
export interface BarBox {
  left: number;
  top: number;
  width: number;
  height: number;
}

const LINE = /<g transform="translate\(0 ([\d.]+)\)"[^>]*>([^]*?)(?=<g transform="translate\(0 [\d.]+\)"|<\/svg>)/g;
/** The bar lines of a line of music: a path of vertical strokes as high as a staff. */
const BAR_LINES = /<path class="bW" d="([^"]*)"/g;
const STROKE = /M([\d.]+) ([\d.]+)v-24/g;
const STAFF = 24;
/** Above and below the staff there are notes too. */
const AROUND = 16;

/**
 * Where the bars are, in the order written, by the bar lines that are drawn. Null unless there are as many as the tune has: then
 * the drawing has something that is not known here, and bars are chosen by their text.
 */
export function barBoxes(svg: string, bars: number): BarBox[] | null {
  const [, width = 0, height = 0] = (/viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []).map(Number);
  const boxes: BarBox[] = [];
  for (const [, top = '0', content = ''] of svg.matchAll(LINE)) {
    const strokes = Array.from(content.matchAll(BAR_LINES), ([, path = '']) => path).join('');
    const lines = Array.from(strokes.matchAll(STROKE), ([, x, y]) => ({ x: Number(x), y: Number(y) }));
    const staff = lines[0];
    if (staff === undefined) continue;
    let left = firstNote(content);
    for (const { x } of lines.sort((a, b) => a.x - b.x)) {
      // The double line at a repeat ends no bar.
      if (x - left > 9) boxes.push(boxAt(left, x, Number(top) + staff.y));
      left = x;
    }
  }
  return boxes.length === bars && width > 0 && height > 0 ? boxes : null;

  function boxAt(from: number, to: number, bottom: number): BarBox {
    return {
      left: from / width,
      top: (bottom - STAFF - AROUND) / height,
      width: (to - from) / width,
      height: (STAFF + 2 * AROUND) / height,
    };
  }
}

/** Stems are the first thing of a line that only notes have. */
function firstNote(content: string): number {
  const stems = Array.from(content.matchAll(/<path class="sW" d="M([\d.]+)/g), ([, x]) => Number(x));
  return Math.max(0, Math.min(...stems, Number.MAX_SAFE_INTEGER) - 14);
}
