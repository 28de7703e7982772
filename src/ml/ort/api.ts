import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';

/** An opaque pointer returned by ONNX Runtime. */
export type Handle = object;

/** Null means success. */
export type Status = Handle | null;

/** Receives the one pointer that a function creates. */
export type Out = [Handle | null];

/** The version of the C API whose function table we read. 22 came with ONNX Runtime 1.22, and tables only grow. */
const API_VERSION = 22;
/** Number of functions of the table that we read. */
const TABLE_LENGTH = 209;

const path = process.platform === 'win32' ? 'const char16_t*' : 'const char*';

/** Binds the functions that we use. @throws Error if the library is not ONNX Runtime, or too old */
export function bindApi(library: LibraryHandle) {
  const { functions, version } = readTable(library);
  /** The function at this index of `struct OrtApi` (onnxruntime_c_api.h), whose order is the ABI. */
  const bind = (index: number, signature: string): unknown => {
    const type = koffi.proto(signature.replace('(', `ort${index}_${unique}(`));
    return koffi.decode(functions[index], type);
  };
  const make = (index: number, inputs = '') =>
    bind(index, `void* (${inputs}${inputs && ', '}_Out_ void** out)`) as KoffiFunc<(...args: unknown[]) => Status>;
  const release = (index: number) => bind(index, 'void (void* object)') as KoffiFunc<(a: Handle) => void>;
  return {
    version,
    getErrorCode: bind(1, 'int (void* status)') as KoffiFunc<(a: Handle) => number>,
    getErrorMessage: bind(2, 'const char* (void* status)') as KoffiFunc<(a: Handle) => string>,
    createEnv: make(3, 'int level, const char* id') as KoffiFunc<(a: number, b: string, c: Out) => Status>,
    createSession: make(7, `void* env, ${path} path, void* options`) as KoffiFunc<
      (a: Handle, b: string | Buffer, c: Handle, d: Out) => Status
    >,
    createSessionFromArray: make(8, 'void* env, const void* bytes, size_t length, void* options') as KoffiFunc<
      (a: Handle, b: Uint8Array, c: number, d: Handle, e: Out) => Status
    >,
    run: bind(
      9,
      'void* (void* session, void* options, void* inputNames, void* inputs, size_t inputCount, void* outputNames, size_t outputCount, void* outputs)',
    ) as KoffiFunc<(...args: unknown[]) => Status>,
    createSessionOptions: make(10) as KoffiFunc<(a: Out) => Status>,
    setIntraOpThreads: bind(24, 'void* (void* options, int threads)') as KoffiFunc<(a: Handle, b: number) => Status>,
    createRunOptions: make(39) as KoffiFunc<(a: Out) => Status>,
    setTerminate: bind(46, 'void* (void* options)') as KoffiFunc<(a: Handle) => Status>,
    unsetTerminate: bind(47, 'void* (void* options)') as KoffiFunc<(a: Handle) => Status>,
    createTensor: make(
      49,
      'void* memory, void* data, size_t bytes, int64_t* shape, size_t rank, int type',
    ) as KoffiFunc<
      (a: Handle, b: ArrayBufferView | bigint, c: number, d: BigInt64Array, e: number, f: number, g: Out) => Status
    >,
    createMemoryInfo: make(68, 'const char* name, int allocator, int device, int type') as KoffiFunc<
      (a: string, b: number, c: number, d: number, e: Out) => Status
    >,
    createCpuMemoryInfo: make(69, 'int allocator, int type') as KoffiFunc<(a: number, b: number, c: Out) => Status>,
    allocatorAlloc: make(75, 'void* allocator, size_t bytes') as KoffiFunc<(a: Handle, b: number, c: Out) => Status>,
    allocatorFree: bind(76, 'void* (void* allocator, void* memory)') as KoffiFunc<(a: Handle, b: Handle) => Status>,
    releaseStatus: release(93),
    releaseMemoryInfo: release(94),
    releaseSession: release(95),
    releaseValue: release(96),
    releaseRunOptions: release(97),
    releaseSessionOptions: release(100),
    addSessionConfigEntry: bind(130, 'void* (void* options, const char* key, const char* value)') as KoffiFunc<
      (a: Handle, b: string, c: string) => Status
    >,
    createAllocator: make(131, 'void* session, void* memory') as KoffiFunc<(a: Handle, b: Handle, c: Out) => Status>,
    releaseAllocator: release(132),
    appendCuda: bind(204, 'void* (void* options, void* cuda)') as KoffiFunc<(a: Handle, b: Handle) => Status>,
    createCudaOptions: make(205) as KoffiFunc<(a: Out) => Status>,
    updateCudaOptions: bind(206, 'void* (void* cuda, void* keys, void* values, size_t count)') as KoffiFunc<
      (a: Handle, b: BigUint64Array, c: BigUint64Array, d: number) => Status
    >,
    releaseCudaOptions: release(208),
  };
}

export type Api = ReturnType<typeof bindApi>;

/** The names of Koffi's prototypes must be unique. */
let unique = 0;

function readTable(library: LibraryHandle): { functions: Handle[]; version: string } {
  unique++;
  const getApiType = koffi.proto(`void* OrtGetApi${unique}(uint32_t version)`);
  const getVersionType = koffi.proto(`const char* OrtGetVersion${unique}()`);
  const base = koffi.struct(`OrtApiBase${unique}`, { GetApi: 'void*', GetVersionString: 'void*' });
  const pointer = library.func(`void* OrtGetApiBase()`)() as Handle;
  const apiBase = koffi.decode(pointer, base) as { GetApi: Handle; GetVersionString: Handle };
  const table = koffi.call(apiBase.GetApi, getApiType, API_VERSION) as Handle | null;
  const version = koffi.call(apiBase.GetVersionString, getVersionType) as string;
  if (table) return { functions: koffi.decode(table, koffi.array('void*', TABLE_LENGTH)) as Handle[], version };
  throw new Error(`it is ONNX Runtime ${version}, but 1.${API_VERSION} or later is required`);
}
