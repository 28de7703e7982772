import { type Architecture, checkConsistent } from '../architecture.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { unpacked } from '../unpacked.ts';
import { GgufFile } from './gguf.ts';
import { readArchitecture, ROPE_FACTORS, UNUSED_FACTORS } from './gguf-architecture.ts';
import { checkKeys } from './gguf-keys.ts';

/** Tensors that the architecture has read, or that are left out. */
const factors = [...ROPE_FACTORS, UNUSED_FACTORS];

/** @throws ModelFileError if the family is not supported or the sizes contradict each other */
export async function openGgufCheckpoint(path: string): Promise<Checkpoint> {
  const file = await GgufFile.open(path);
  try {
    const architecture = await readArchitecture(file);
    checkConsistent(architecture);
    checkKeys(file.metadata, architecture);
    const checkpoint = checkpointOf(file, architecture);
    return architecture.isPacked ? unpacked(checkpoint) : checkpoint;
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

function checkpointOf(file: GgufFile, architecture: Architecture): Checkpoint {
  return {
    architecture,
    names: new Set([...file.tensors.keys()].filter((name) => !factors.includes(name))),
    shapeOf: (name) => file.tensor(name).shape.toReversed(),
    rows: (name, from, to) => file.rows(file.tensor(name), from, to),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
