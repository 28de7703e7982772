import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInputError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { SafetensorsFile } from '../compile/checkpoint/safetensors/safetensors.ts';
import { type DecoderProgress, decoderProgress } from './training-progress.ts';
import type { TrainingState } from './training-state.ts';
import { type NamedTensor, writeSafetensors } from './write-safetensors.ts';

/**
 * What a training keeps in its folder: the latest checkpoint (parameters, running means and progress in one file), and
 * the parameters that predicted the validation data best.
 */
export class TrainingFiles {
  readonly #folder: string;
  /** Tells this training from others: data, model and settings. */
  readonly #identity: string;

  constructor(folder: string, identity: string) {
    this.#folder = folder;
    this.#identity = identity;
  }

  async save(state: TrainingState, progress: DecoderProgress): Promise<void> {
    await makeFolder(this.#folder);
    const metadata = { identity: this.#identity, progress: JSON.stringify(progress) };
    await writeSafetensors(this.#checkpoint, state.read(), { metadata });
  }

  /**
   * Reads the checkpoint into the state.
   * @returns null if there is none
   * @throws InvalidInputError if it belongs to a training with other data or settings; ModelFileError if it is damaged
   */
  async load(state: TrainingState): Promise<DecoderProgress | null> {
    if (!(await exists(this.#checkpoint))) return null;
    await using file = await SafetensorsFile.open(this.#checkpoint);
    const { identity, progress = '' } = file.metadata;
    if (identity !== this.#identity) throw otherTraining(this.#folder);
    const tensors = new Map<string, Float32Array<ArrayBuffer>>();
    for (const name of file.tensors.keys()) tensors.set(name, await wholeOf(file, name));
    state.write((name) => tensors.get(name) ?? new Float32Array(0));
    return parseStoredJson(decoderProgress, progress, this.#checkpoint);
  }

  async saveBest(parameters: ReadonlyMap<string, NamedTensor>): Promise<void> {
    await makeFolder(this.#folder);
    await writeSafetensors(this.#best, parameters);
  }

  async loadBest(): Promise<Map<string, NamedTensor>> {
    await using file = await SafetensorsFile.open(this.#best);
    const tensors = new Map<string, NamedTensor>();
    for (const [name, { shape }] of file.tensors) tensors.set(name, { dims: shape, data: await wholeOf(file, name) });
    return tensors;
  }

  get #checkpoint(): string {
    return join(this.#folder, 'checkpoint.safetensors');
  }

  get #best(): string {
    return join(this.#folder, 'best.safetensors');
  }
}

async function wholeOf(file: SafetensorsFile, name: string): Promise<Float32Array<ArrayBuffer>> {
  const rows = file.tensors.get(name)?.shape.slice(0, -1) ?? [];
  return Float32Array.from(
    await file.rows(
      name,
      0,
      rows.reduce((product, dim) => product * dim, 1),
    ),
  );
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function otherTraining(folder: string): InvalidInputError {
  return new InvalidInputError(
    `${folder} has the checkpoint of a training with other data or settings: use another folder, or remove it`,
  );
}
