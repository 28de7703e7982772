export type {
  ChatMessage,
  EncodedText,
  EncodedWord,
  EncodeOptions,
  Engine,
  FinishReason,
  FormatRequest,
  GenerationEvent,
  GenerationRequest,
  GlossaryTerm,
  LanguagePair,
  LogitBias,
  Model,
  ModelLoad,
  Sampling,
  TextVectors,
  Ticket,
  Token,
  TokenAlternative,
  ModelTranslation,
  Translation,
  Usage,
  VerseRequest,
} from './contract.ts';
export { type ModelOffer, examineModel, fetchOffer } from './adding/add-model.ts';
export { openFetched } from './models/compile-fetched.ts';
export { installCuda } from './models/cuda-libraries.ts';
export { type DeviceChoice, examineDevice } from './models/device.ts';
export { createEngine, type EngineOptions } from './models/local-engine.ts';
export { type LoneEncoder, openEncoder } from './models/lone-encoder.ts';
export { type LoneTranslation, openTranslation } from './models/lone-translation.ts';
export { writeFirstText } from './models/lone-writer.ts';
export { createRemoteEngine } from './models/remote-engine.ts';
export { MODEL_TASKS } from './contract.ts';
export { checkSampling, defaultSampling } from './sampling/sampling-limits.ts';
export { forgetModel, isAdded, preferModel, recordModel } from './store/added-models.ts';
export {
  addedModelsFile,
  bytesOf,
  DEMONSTRATION,
  loadModelCatalogue,
  type ModelEntry,
} from './store/model-catalogue.ts';
export { type FoundRepository, searchHub } from './store/hub.ts';
export { modelsFolder, type ModelStore, openModelStore } from './store/model-store.ts';
