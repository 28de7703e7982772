import { parentPort, workerData } from 'node:worker_threads';
import { trainEase, type EaseOptions, type Interactions } from './ease.ts';

const { interactions, options } = workerData as { interactions: Interactions; options: EaseOptions };
const rows = trainEase(interactions, options);
parentPort?.postMessage(rows);
