import type { Line, LineProblem } from './lines.ts';

/** A JSON object and its first line. */
export type JsonObject = { line: number; fields: Record<string, unknown> } | LineProblem;

/** More deeply nested JSON is not data, and would overflow the stack of what prints it. */
const MAX_NESTING = 32;

/** Null for a blank line. */
export function objectOf(line: Line): JsonObject | null {
  if ('problem' in line) return line;
  if (line.text.trim() === '') return null;
  const value = parse(line.text);
  if (value instanceof SyntaxError) return { line: line.line, problem: `this is not JSON: ${value.message}` };
  if (!isObject(value)) return { line: line.line, problem: 'this is not a JSON object' };
  if (isDeep(value, MAX_NESTING))
    return { line: line.line, problem: `this is nested more than ${MAX_NESTING} levels deep` };
  return { line: line.line, fields: value };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns a SyntaxError if it is not JSON */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return text.includes('NaN') ? parseWithoutNaN(text) : error;
  }
}

/** Python writes a missing number as NaN, which is not JSON. Strings are matched first, so that none is changed. */
function parseWithoutNaN(text: string): unknown {
  try {
    return JSON.parse(
      text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|\bNaN\b/g, (found) => (found.startsWith('"') ? found : 'null')),
    );
  } catch (error) {
    return error;
  }
}

function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeep(inner, levels - 1));
}
