export type {
  ChatMessage,
  Engine,
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  LogitBias,
  Model,
  ModelLoad,
  Sampling,
  Ticket,
  Token,
  TokenAlternative,
  Usage,
  VerseRequest,
} from './contract.ts';
export { openFetched } from './models/compile-fetched.ts';
export { installCuda } from './models/cuda-libraries.ts';
export type { DeviceChoice } from './models/device.ts';
export { createEngine, type EngineOptions } from './models/local-engine.ts';
export { createRemoteEngine } from './models/remote-engine.ts';
export { checkSampling, defaultSampling } from './sampling/sampling-limits.ts';
export { bytesOf, loadModelCatalogue, type ModelEntry } from './store/model-catalogue.ts';
export { modelsFolder, type ModelStore, openModelStore } from './store/model-store.ts';
