import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';

/**
 * Koffi runs native code on its own stacks, of 128 KiB for asynchronous calls. ONNX Runtime's kernels pack matrices on
 * the stack and need about 100 KiB, on some processors more; an overflow is a segmentation fault. This is the size of
 * an ordinary thread's stack and uses only the pages that are touched.
 */
const STACK_BYTES = 8 * 1024 * 1024;

function widenStacks(): void {
  // Koffi refuses this after its first call, which a second copy of this module would run into.
  if ((koffi.config().async_stack_size ?? 0) < STACK_BYTES)
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
}

/**
 * References are kept forever: koffi unloads a library whose object is collected, which would invalidate its function
 * pointers.
 */
const kept: LibraryHandle[] = [];

/**
 * @param path a path, or a name that the system knows; null for this process.
 * @throws Error with the system's reason
 */
export function loadShared(path: string | null, { global = false } = {}): LibraryHandle {
  widenStacks();
  if (path !== null && isAbsolute(path)) checkWhole(path);
  const library = koffi.load(path, { global });
  kept.push(library);
  return library;
}

/**
 * A truncated library (after an interrupted copy or on a full disk) is mapped as if it were complete, and the process
 * is killed by SIGBUS when it touches the missing part. Linkers write the section headers at the very end of an ELF
 * file.
 */
function checkWhole(path: string): void {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(64);
    if (readSync(file, header) < header.length || header.toString('latin1', 0, 4) !== '\x7fELF') return;
    const end = Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
    if (fstatSync(file).size < end) throw new Error('the file is truncated');
  } finally {
    closeSync(file);
  }
}
