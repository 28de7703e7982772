import { basename, dirname } from 'node:path/posix';
import { InvalidInputError } from '../../lib/errors.ts';
import type { ListedFile, Listing } from './listing.ts';

/** The files that make up one model. */
export interface ChosenFiles {
  /** What tells it from others at the same place: a quantisation, or the format. */
  variant: string;
  files: readonly ListedFile[];
  isFolder: boolean;
}

/** Beside the weights of a folder. Those that exist are taken. */
const TEXT_FILES = [
  ...['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json', 'chat_template.jinja'],
  'model.safetensors.index.json',
];
/** Which file is taken if nobody says: good texts first, then those that are smaller or larger. */
const PREFERRED = [
  'Q4_K_M',
  'Q8_0',
  'Q5_K_M',
  'Q6_K',
  'Q4_K_S',
  'Q5_K_S',
  'Q4_1',
  'Q4_0',
  'Q5_0',
  'Q5_1',
  'BF16',
  'F16',
];
const PART = /-(\d{5})-of-(\d{5})\.gguf$/;

/** @throws InvalidInputError that says what there is instead */
export function chooseFiles({ files, want, title }: Listing): ChosenFiles {
  const groups = ggufGroups(files);
  if (want !== null && want !== 'safetensors' && want !== 'onnx') return chooseNamed(groups, want, title);
  const preferred = PREFERRED.map((name) => groups.find(({ variant }) => variant === name)).find(Boolean) ?? groups[0];
  if (preferred && want === null) return preferred;
  return chooseFolder(files, want, title);
}

function chooseNamed(groups: readonly ChosenFiles[], want: string, title: string): ChosenFiles {
  const isFile = groups.filter(({ files }) => files.some(({ path }) => path === want || basename(path) === want));
  const pattern = new RegExp(`(^|[^a-z0-9])${want.replace(/[^\w]/g, '\\$&')}([^a-z0-9]|$)`, 'i');
  const isLike = groups.filter(({ files }) => pattern.test(basename(files[0]?.path ?? '').replace(PART, '')));
  const found = isFile.length > 0 ? isFile : isLike;
  const [first] = found;
  if (first && found.length === 1) return first;
  const names = (found.length > 0 ? found : groups).map(({ files }) => files[0]?.path).join(', ');
  if (names === '') throw new InvalidInputError(`${title} has no GGUF file`, 'source');
  const problem = found.length > 0 ? `"${want}" is several of the files` : `there is no "${want}" in ${title}, but`;
  throw new InvalidInputError(`${problem}: ${names}`, 'source');
}

/** GGUF files that hold a model, those that one was split into together. */
function ggufGroups(files: readonly ListedFile[]): ChosenFiles[] {
  const groups = new Map<string, ListedFile[]>();
  for (const file of files) {
    if (!file.path.endsWith('.gguf') || /mmproj|imatrix/i.test(basename(file.path))) continue;
    const whole = file.path.replace(PART, '.gguf');
    groups.set(whole, [...(groups.get(whole) ?? []), file]);
  }
  return [...groups].map(([whole, parts]) => {
    parts.sort((one, other) => (one.path < other.path ? -1 : 1));
    checkParts(whole, parts);
    return { variant: variantOf(whole), files: parts, isFolder: PART.test(parts[0]?.path ?? '') };
  });
}

function checkParts(whole: string, parts: readonly ListedFile[]): void {
  const count = Number(PART.exec(parts[0]?.path ?? '')?.[2] ?? 1);
  if (parts.length === count) return;
  throw new InvalidInputError(`${whole} was split into ${count} files, but ${parts.length} are there`, 'source');
}

/** The quantisation as people name it; otherwise the file's name. */
function variantOf(path: string): string {
  const name = basename(path, '.gguf');
  const [, found] = /[-._]((?:I?Q\d(?:_\w+)?)|BF16|F16|F32|MXFP4(?:_\w+)?)$/i.exec(name) ?? [];
  return found?.toUpperCase() ?? name;
}

function chooseFolder(files: readonly ListedFile[], want: string | null, title: string): ChosenFiles {
  const config = files.find(({ path }) => basename(path) === 'config.json' && !path.includes('onnx/'));
  const root = config ? dirname(config.path) : '.';
  const within = files.flatMap((file) => {
    const path = root === '.' ? file.path : file.path.slice(root.length + 1);
    return root === '.' || file.path.startsWith(`${root}/`) ? [{ ...file, path }] : [];
  });
  const texts = within.filter(({ path }) => TEXT_FILES.includes(path));
  const tensors = within.filter(({ path }) => /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(path));
  if (config && tensors.length > 0 && want !== 'onnx')
    return { variant: 'safetensors', files: [...texts, ...tensors], isFolder: true };
  const graph = within.filter(({ path }) => /^(onnx\/)?model\.onnx(_data|\.data)?$/.test(path));
  if (config && graph.length > 0 && want !== 'safetensors')
    return { variant: 'onnx', files: [...texts, ...graph], isFolder: true };
  const pickle = files.find(({ path }) => /\.(bin|pt|pth|ckpt)$/.test(path));
  if (pickle)
    throw new InvalidInputError(
      `${title} has only weights in Python’s pickles (${pickle.path}), which can run code: look for a copy in safetensors or GGUF`,
      'source',
    );
  throw new InvalidInputError(
    `${title} has no model that can be used: no .gguf file, and no config.json beside model.safetensors or model.onnx`,
    'source',
  );
}
