import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { digestOfText } from '../../lib/text/digest.ts';
import type { LinearHead } from '../../ml/train.ts';

const MOST_LABELS = 100;
const WIDEST = 1_000_000;

const floats = z.base64().transform((text, context) => {
  const bytes = Buffer.from(text, 'base64');
  const values = new Float32Array(Math.floor(bytes.length / 4));
  for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(4 * i);
  if (bytes.length % 4 === 0 && values.every(Number.isFinite)) return values;
  context.addIssue({ code: 'custom', message: 'must be numbers of 32 bits' });
  return z.NEVER;
});
const figures = z.object({ macroF1: z.number(), accuracy: z.number(), ece: z.number(), rows: z.int() });
const headSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().min(1).max(100),
  /** Identifies labels, numbers and encoder. */
  version: z.string(),
  /** The digest of the encoder whose vectors it was trained on. */
  encoder: z.string(),
  labels: z.array(z.string().min(1).max(100)).min(2).max(MOST_LABELS),
  /** Number of positions of a vector. */
  width: z.int().min(1).max(WIDEST),
  /** [labels, width] in row order, temperature included. */
  weight: floats,
  /** [labels] */
  bias: floats,
  /** The probability from which a label is chosen. */
  thresholds: z.array(z.number().min(0).max(1)),
  temperature: z.number().positive(),
  training: z.object({ rows: z.int(), held: z.int(), seed: z.int(), trainedAt: z.iso.datetime() }),
  /** On rows that it was neither trained nor chosen on. */
  dev: figures,
});

/** A classifier of texts: a linear head, what its labels are called and when they are chosen. */
export interface TextHead extends Omit<z.output<typeof headSchema>, 'weight' | 'bias'>, LinearHead {}

/** @throws ModelUnavailableError that says why the file cannot be used */
export async function readHead(path: string): Promise<TextHead> {
  const json = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unusable(path, error);
  });
  try {
    const head = parseStoredJson(headSchema, json, path);
    checkSizes(head);
    return head;
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Writes it completely or not at all. */
export async function writeHead(path: string, head: Omit<TextHead, 'format' | 'version'>): Promise<TextHead> {
  const named = { ...head, format: 1 as const, version: versionOf(head) };
  await makeFolder(dirname(path));
  const encoded = { ...named, weight: base64(head.weight), bias: base64(head.bias) };
  await writeFile(`${path}.tmp`, `${JSON.stringify(encoded, null, 1)}\n`);
  await rename(`${path}.tmp`, path);
  return named;
}

function versionOf({ name, labels, encoder, weight, bias, thresholds }: Omit<TextHead, 'format' | 'version'>): string {
  const identity = [name, labels, encoder, base64(weight), base64(bias), thresholds];
  return digestOfText(JSON.stringify(identity)).slice(0, 12);
}

function checkSizes(head: TextHead): void {
  const { labels, width, weight, bias, thresholds, version } = head;
  if (weight.length !== labels.length * width || bias.length !== labels.length || thresholds.length !== labels.length)
    throw new Error('its labels, numbers and thresholds do not fit each other');
  if (new Set(labels).size !== labels.length) throw new Error('a label occurs twice');
  if (versionOf(head) !== version) throw new Error('its numbers are not those of its version');
}

function base64(values: Float32Array): string {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeFloatLE(value, 4 * i));
  return bytes.toString('base64');
}

const unusable = (path: string, error: unknown) =>
  new ModelUnavailableError(
    `the classifier ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
  );
