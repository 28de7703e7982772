import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, runInContext } from 'node:vm';

/** Time limit of one engraving. */
const MOST_MS = 5_000;
/** The engraver draws A4 pages with these CSS pixels between the margins. */
const SCALE_WIDTH = 794;

const engraver = readFileSync(createRequire(import.meta.url).resolve('abc2svg/abc2svg-1.js'), 'utf8');

/**
 * Engraves a tune. The engraver runs in a context of its own without any of Node.js's objects, which runs no code out of
 * texts, and for a limited time.
 * @param width in CSS pixels
 * @returns one SVG, without scripts and references
 * @throws Error if the engraver fails or takes too long
 */
export function engrave(abc: string, width: number): string {
  const parts: string[] = [];
  const sandbox = { abc: safeAbc(abc), emit: (part: string) => parts.push(part) };
  const context = createContext(sandbox, { codeGeneration: { strings: false, wasm: false } });
  runInContext(engraver, context, { timeout: MOST_MS });
  runInContext(
    `abc2svg.abort = (error) => { throw error };
     const engraving = new abc2svg.Abc({ img_out: (part) => emit(String(part)), errmsg: () => undefined, read_file: () => '' });
     engraving.tosvg('tune', '%%pagewidth ' + ${SCALE_WIDTH} + 'px\\n%%leftmargin 10px\\n%%rightmargin 10px\\n' + abc);`,
    context,
    { timeout: MOST_MS },
  );
  return stack(parts.join('\n'), width);
}

/** Without the directives that the engraver would follow: what a tune draws is its music. */
function safeAbc(abc: string): string {
  return abc
    .replace(/^%%.*$/gm, '')
    .replace(/^I:.*$/gm, '')
    .replace(/\[I:[^\]\n]*\]/g, '');
}

interface Line {
  content: string;
  attributes: string;
  width: number;
  height: number;
}

/** The engraver draws each line of music by itself. Here they are one drawing, one below the other. */
function stack(drawn: string, width: number): string {
  const lines: Line[] = [];
  for (const [, head = '', content = ''] of drawn.matchAll(/<svg\b([^>]*)>([^]*?)<\/svg>/g)) {
    const [, w = '0', h = '0'] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(head) ?? [];
    const attributes = /\bclass="[^"]*"/.exec(head)?.[0] ?? '';
    lines.push({ content, attributes, width: Number(w), height: Number(h) });
  }
  const drawnWidth = Math.max(1, ...lines.map((line) => line.width));
  let top = 0;
  const placed = lines.map(({ content, attributes, height }) => {
    const line = `<g transform="translate(0 ${top})" ${attributes}>${content}</g>`;
    top += height;
    return line;
  });
  const height = Math.max(1, Math.ceil((top * width) / drawnWidth));
  return sanitised(
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${drawnWidth} ${top}" fill="currentColor" stroke-width=".7">${placed.join('')}</svg>`,
  );
}

/** The elements and attributes that sheet music consists of; everything else is left out ([TUNE14]). */
const ELEMENTS = new Set([
  'svg',
  'g',
  'path',
  'text',
  'tspan',
  'rect',
  'use',
  'defs',
  'style',
  'circle',
  'ellipse',
  'line',
]);
const ATTRIBUTE =
  /^(xmlns(:xlink)?|width|height|viewBox|fill|stroke|stroke-width|stroke-dasharray|class|id|d|x|y|dx|dy|x1|x2|y1|y2|r|rx|ry|cx|cy|transform|text-anchor|font-size|style|type|version)$/;

function sanitised(svg: string): string {
  let insideUnknown = 0;
  return svg.replace(
    /<(\/?)([A-Za-z][\w:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>|<[^>]*>|[^<]+/g,
    (whole, slash: string, name?: string, rest?: string) => {
      if (name === undefined) return whole.startsWith('<') || insideUnknown > 0 ? '' : whole;
      if (!ELEMENTS.has(name)) {
        if (slash === '/') insideUnknown = Math.max(0, insideUnknown - 1);
        else if (!rest?.trimEnd().endsWith('/')) insideUnknown++;
        return '';
      }
      if (insideUnknown > 0) return '';
      return slash === '/' ? `</${name}>` : `<${name}${attributesOf(rest ?? '')}>`;
    },
  );
}

function attributesOf(text: string): string {
  const attributes = Array.from(text.matchAll(/([\w:-]+)\s*=\s*("[^"]*"|'[^']*')/g), ([, name = '', value = '']) => {
    const own = name === 'xlink:href' ? /^["']#[\w-]+["']$/.test(value) : ATTRIBUTE.test(name);
    return own && !/javascript:|expression\(|url\((?!["']?(#|data:application\/octet-stream))/i.test(value)
      ? ` ${name}=${value}`
      : '';
  });
  return attributes.join('') + (text.trimEnd().endsWith('/') ? '/' : '');
}
