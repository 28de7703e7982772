import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';

interface Deletable {
  delete(): void;
}

interface AlignedMemory extends Deletable {
  getByteArrayView(): Int8Array;
}

interface Responses extends Deletable {
  get(at: number): { getTranslatedText(): string };
}

interface List<Item> extends Deletable {
  push_back(item: Item): void;
}

interface ResponseOptions {
  alignment: boolean;
  html: boolean;
  qualityScores: boolean;
}

/** What this project uses of the classes that the compiled library exports. */
interface Bergamot {
  asm: Record<string, (...values: unknown[]) => unknown>;
  AlignedMemory: new (bytes: number, alignment: number) => AlignedMemory;
  AlignedMemoryList: new () => List<AlignedMemory>;
  TranslationModel: new (
    config: string,
    model: AlignedMemory,
    shortlist: AlignedMemory,
    vocabularies: List<AlignedMemory>,
    quality: null,
  ) => Deletable;
  BlockingService: new (options: { cacheSize: number }) => {
    translate(model: Deletable, texts: List<string>, options: List<ResponseOptions>): Responses;
  };
  VectorString: new () => List<string>;
  VectorResponseOptions: new () => List<ResponseOptions>;
}

/** The hooks that the library's loader calls. */
interface Hooks {
  instantiateWasm(imports: WebAssembly.Imports, accept: (instance: WebAssembly.Instance) => void): object;
  onRuntimeInitialized(): void;
  onAbort(reason: unknown): void;
  print(line: string): void;
  printErr(line: string): void;
}

/** The bytes of one translation model. */
export interface BergamotFiles {
  model: Uint8Array;
  shortlist: Uint8Array;
  /** One that both languages share, or the source's and the target's. */
  vocabularies: readonly Uint8Array[];
  /** How the model's weights are stored, in the library's words, for example `int8shiftAlphaAll`. */
  precision: string;
}

const folder = join(
  dirname(createRequire(import.meta.url).resolve('@browsermt/bergamot-translator/translator.js')),
  'worker',
);
/** The integer products that the library imports, and where it has them itself. */
const PRODUCTS = {
  int8_prepare_a: 'int8PrepareAFallback',
  int8_prepare_b: 'int8PrepareBFallback',
  int8_prepare_b_from_transposed: 'int8PrepareBFromTransposedFallback',
  int8_prepare_b_from_quantized_transposed: 'int8PrepareBFromQuantizedTransposedFallback',
  int8_prepare_bias: 'int8PrepareBiasFallback',
  int8_multiply_and_add_bias: 'int8MultiplyAndAddBiasFallback',
  int8_select_columns_of_b: 'int8SelectColumnsOfBFallback',
};
/** Bytes to which the library wants its files aligned. */
const ALIGNMENT = { model: 256, other: 64 };

/** One opened model of the Bergamot project. It blocks the thread while it translates. */
export class BergamotModel implements Disposable {
  readonly #library: Bergamot;
  readonly #service: InstanceType<Bergamot['BlockingService']>;
  readonly #model: Deletable;

  private constructor(library: Bergamot, model: Deletable) {
    this.#library = library;
    this.#service = new library.BlockingService({ cacheSize: 0 });
    this.#model = model;
  }

  /** @throws Error if the library does not take the files */
  static async open({ model, shortlist, vocabularies, precision }: BergamotFiles): Promise<BergamotModel> {
    const library = await loadLibrary();
    const list = new library.AlignedMemoryList();
    for (const one of vocabularies) list.push_back(aligned(library, one, ALIGNMENT.other));
    const opened = new library.TranslationModel(
      configOf(precision),
      aligned(library, model, ALIGNMENT.model),
      aligned(library, shortlist, ALIGNMENT.other),
      list,
      null,
    );
    return new BergamotModel(library, opened);
  }

  /** @returns HTML, in which each word of the translation is in a `font` with the logarithm of its probability */
  translate(html: string): string {
    const texts = new this.#library.VectorString();
    texts.push_back(html);
    const options = new this.#library.VectorResponseOptions();
    options.push_back({ alignment: true, html: true, qualityScores: true });
    const responses = this.#service.translate(this.#model, texts, options);
    const translated = responses.get(0).getTranslatedText();
    for (const one of [texts, options, responses]) one.delete();
    return translated;
  }

  [Symbol.dispose](): void {
    this.#model.delete();
  }
}

/** Word scores need the whole distribution (`skip-cost`). A sentence of more tokens than `max-length-break` is cut. */
function configOf(precision: string): string {
  return [
    ...['beam-size: 1', 'normalize: 1.0', 'word-penalty: 0', 'cpu-threads: 0', `gemm-precision: ${precision}`],
    ...['skip-cost: false', 'alignment: soft', 'quiet: true', 'quiet-translation: true', 'max-length-break: 128'],
    ...['mini-batch-words: 1024', 'workspace: 128', 'max-length-factor: 2.0', ''],
  ].join('\n');
}

function aligned(library: Bergamot, bytes: Uint8Array, alignment: number): AlignedMemory {
  const memory = new library.AlignedMemory(bytes.byteLength, alignment);
  memory.getByteArrayView().set(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return memory;
}

/**
 * The package's own worker does not start on Node.js, because it is a CommonJS script in a package of modules. Its
 * loader runs here as a function that sees a browser's worker, so that it reads no files of its own.
 */
async function loadLibrary(): Promise<Bergamot> {
  const loader = await readFile(join(folder, 'bergamot-translator-worker.js'), 'utf8');
  const binary = await readFile(join(folder, 'bergamot-translator-worker.wasm'));
  const run = compileFunction(loader, ['Module', 'process', 'importScripts', 'self', 'window']);
  return new Promise((resolve, reject) => {
    const library: Hooks & Partial<Bergamot> = {
      instantiateWasm(imports, accept) {
        const products = { wasm_gemm: productsOf(library) };
        WebAssembly.instantiate(binary, { ...imports, ...products }).then(({ instance }) => accept(instance), reject);
        return {};
      },
      onRuntimeInitialized: () =>
        isWhole(library) ? resolve(library) : reject(new Error('the library lacks a class')),
      onAbort: (reason) => reject(new Error(String(reason))),
      print: () => undefined,
      printErr: () => undefined,
    };
    Reflect.apply(run, undefined, [library, undefined, () => undefined, { location: { href: '' } }, undefined]);
  });
}

function isWhole(library: Partial<Bergamot>): library is Bergamot {
  const { AlignedMemory, AlignedMemoryList, TranslationModel, BlockingService, VectorString } = library;
  const classes = [AlignedMemory, AlignedMemoryList, TranslationModel, BlockingService, VectorString];
  return [...classes, library.VectorResponseOptions, library.asm].every((one) => one !== undefined);
}

function productsOf(library: Partial<Bergamot>): WebAssembly.ModuleImports {
  const products = Object.entries(PRODUCTS).map(
    ([name, own]) => [name, (...values: unknown[]) => library.asm?.[own]?.(...values)] as const,
  );
  return Object.fromEntries(products);
}
