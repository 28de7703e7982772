/** Bringing data in: files in four formats, and the built-in demo. */
export {
  importFormats,
  type BadRow,
  type ImportFormat,
  type ImportOptions,
  type ImportReport,
} from './import-options.ts';
export { runImport } from './run-import.ts';
export { seedDemo } from './demo.ts';
export { checkExists } from './source.ts';
