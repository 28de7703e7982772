import type { KoffiFunc } from 'koffi';
import { loadShared } from './shared-library.ts';

/** From `malloc.h`. */
const M_MMAP_THRESHOLD = -3;
const LARGE_BYTES = 1024 * 1024;

interface NativeHeap {
  mallopt: KoffiFunc<(parameter: number, value: number) => number>;
  mallocTrim: KoffiFunc<(bytesKept: number) => number>;
}

let heap: NativeHeap | null | undefined;

/**
 * Large blocks come from the operating system and go back to it, always. Left alone, glibc learns from a large block that was
 * freed to take the next of its size from its own heap, which it clears by writing: a model that was closed and opened again
 * would then hold every page of its key–value cache (1.5 GB instead of what was written), and never give it back.
 */
export function bypassHeapForLargeBlocks(): void {
  glibc()?.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

/** Gives back what lies free between the blocks of a heap: after a model's weights were, most of it. */
export function trimHeap(): void {
  glibc()?.mallocTrim(0);
}

/** Other memory managers need none of this, and have no such functions. */
function glibc(): NativeHeap | null {
  if (heap !== undefined) return heap;
  try {
    const library = loadShared('libc.so.6');
    heap = {
      mallopt: library.func('int mallopt(int parameter, int value)') as NativeHeap['mallopt'],
      mallocTrim: library.func('int malloc_trim(size_t bytesKept)') as NativeHeap['mallocTrim'],
    };
  } catch {
    heap = null;
  }
  return heap;
}
