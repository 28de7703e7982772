import { i32, u8 } from '../../lib/typed-arrays.ts';

/** How words are said, in memory that threads share. */
export interface PackedSounds {
  /** Every sound of ARPAbet that occurs, stress included. */
  readonly names: readonly string[];
  /** The sounds of word w are codes[starts[w] … starts[w + 1]), each an index of `names`. */
  readonly codes: Uint8Array;
  readonly starts: Int32Array;
}

/** @param said each word's sounds, separated by spaces */
export function packSounds(said: readonly string[]): PackedSounds {
  const codeOf = new Map<string, number>();
  const codes = said.map((sounds) =>
    sounds.split(' ').map((name) => {
      const code = codeOf.get(name) ?? codeOf.size;
      codeOf.set(name, code);
      return code;
    }),
  );
  const starts = new Int32Array(new SharedArrayBuffer(4 * (said.length + 1)));
  codes.forEach(({ length }, word) => (starts[word + 1] = i32(starts, word) + length));
  const packed = new Uint8Array(new SharedArrayBuffer(i32(starts, said.length)));
  codes.forEach((ofWord, word) => packed.set(ofWord, i32(starts, word)));
  return { names: [...codeOf.keys()], codes: packed, starts };
}

/** A word's sounds, separated by spaces. */
export function soundsOf({ names, codes, starts }: PackedSounds, word: number): string {
  const sounds: string[] = [];
  for (let at = i32(starts, word); at < i32(starts, word + 1); at++) sounds.push(names[u8(codes, at)] ?? '');
  return sounds.join(' ');
}
