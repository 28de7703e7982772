/** Imports: files in eight formats, and the built-in demo. */
export {
  importFormats,
  personalFormats,
  type BadRow,
  type Heard,
  type ImportFormat,
  type ImportOptions,
  type ImportReport,
} from './import-options.ts';
export { runImport } from './run-import.ts';
export { refuseDemo, seedDemo } from './demo.ts';
export { checkExists } from './reading/source.ts';
export { consentColumns } from './formats/consents.ts';
export { feedbackColumns } from './formats/rows.ts';
export { trackColumns } from './formats/track-rows.ts';
