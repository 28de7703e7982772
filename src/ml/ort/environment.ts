import { isMainThread } from 'node:worker_threads';
import type { KoffiFunc } from 'koffi';
import { loadShared } from './shared-library.ts';

/** ONNX Runtime's settings, as environment variables. It reads them when it is loaded and when a session is created. */
const settings: Readonly<Record<string, string>> = {
  /** Telemetry is enabled by default in 1.30. */
  ORT_DISABLE_TELEMETRY: '1',
  /**
   * Its flash attention splits the keys of a lone row between threads that have no head to work on, and so adds them up
   * in another order than beside other rows. With more threads than heads, a long text's last bits would depend on the
   * batch ([GEN2]). Attention is also faster here without it.
   */
  ORT_GQA_DISABLE_FLASH_ATTENTION: '1',
};

interface CEnvironment {
  get: (name: string) => string | null;
  set: (name: string, value: string) => void;
}

/**
 * Sets them in the environment of the C library. The parent does this before it starts a worker: a worker's
 * `process.env` is a copy that no library sees, and the real one may be changed only while no other thread reads it.
 */
export function setRuntimeEnvironment(): void {
  for (const [name, value] of Object.entries(settings)) {
    if (isMainThread) process.env[name] = value;
    else if (cEnvironment().get(name) !== value) cEnvironment().set(name, value);
  }
}

let environment: CEnvironment | null = null;

/** The environment as libraries see it. */
export function cEnvironment(): CEnvironment {
  return (environment ??= process.platform === 'win32' ? ofWindows() : ofPosix());
}

function ofPosix(): CEnvironment {
  const library = loadShared(null);
  const set = library.func('int setenv(const char* name, const char* value, int overwrite)') as KoffiFunc<
    (name: string, value: string, overwrite: number) => number
  >;
  return {
    get: library.func('const char* getenv(const char* name)') as KoffiFunc<(name: string) => string | null>,
    set: (name, value) => void set(name, value, 1),
  };
}

function ofWindows(): CEnvironment {
  const library = loadShared('kernel32.dll');
  const read = library.func('uint32_t GetEnvironmentVariableA(const char* name, _Out_ uint8_t* text, uint32_t size)');
  const set = library.func('int SetEnvironmentVariableA(const char* name, const char* value)') as KoffiFunc<
    (name: string, value: string) => number
  >;
  return {
    get: (name) => {
      const text = Buffer.alloc(1024);
      const length = (read as KoffiFunc<(name: string, text: Buffer, size: number) => number>)(name, text, text.length);
      return length === 0 ? null : text.toString('latin1', 0, length);
    },
    set: (name, value) => void set(name, value),
  };
}
