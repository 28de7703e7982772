import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { EncodedText } from '../contract.ts';
import { serveTexts } from '../threads/serve-texts.ts';
import { EncoderGraph, GRAPH_FILE } from './encoder-graph.ts';
import type { EncoderThreadOptions, EncodingOptions } from './encoding-options.ts';
import { TextEncoding } from './text-encoding.ts';
import { WordPieces } from './word-pieces.ts';

/** The encoder's own thread. It opens graph and tokenizer, and executes commands until it is told to end. */
function main(port: MessagePort, { folder, device, lanes, context }: EncoderThreadOptions): Promise<void> {
  return serveTexts<EncodingOptions, EncodedText>(port, lanes, async () => {
    const pieces = await WordPieces.read(folder);
    const graph = await EncoderGraph.open(join(folder, GRAPH_FILE), device);
    const encoding = new TextEncoding(graph, pieces, context);
    await encoding.tryOut();
    return {
      answer: (lane, text, { words }, signal) => encoding.encode(lane, text, { words, signal }),
      [Symbol.dispose]: () => graph[Symbol.dispose](),
    };
  });
}

if (parentPort) await main(parentPort, workerData as EncoderThreadOptions);
