import { parentPort, workerData } from 'node:worker_threads';
import { chooseKernels, type KernelsTask } from './choose-kernels.ts';

parentPort?.postMessage(await chooseKernels(workerData as KernelsTask));
