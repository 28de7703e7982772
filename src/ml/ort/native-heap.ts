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
 * Makes glibc take large blocks from the operating system and return them to it. By default glibc, once a large block
 * has been freed, takes the next of that size from its own heap and clears it by writing. A model that was closed and
 * opened again would then occupy every page of its key–value cache (1.5 GB instead of what was written) and never
 * return it.
 */
export function bypassHeapForLargeBlocks(): void {
  glibc()?.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

/**
 * Returns the free memory between the heap's blocks to the operating system. After a model is closed, that is most of
 * it.
 */
export function trimHeap(): void {
  glibc()?.mallocTrim(0);
}

/** Other allocators do not need this and lack these functions. */
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
