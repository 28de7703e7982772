import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asError } from '../../lib/errors.ts';
import type { EncodedText } from '../contract.ts';
import { EncoderGraph, GRAPH_FILE } from './encoder-graph.ts';
import { EncodingQueue } from './encoding-queue.ts';
import type { EncoderCommand, EncoderReport, EncoderThreadOptions } from './protocol.ts';
import { TextEncoding } from './text-encoding.ts';
import { WordPieces } from './word-pieces.ts';

/** The encoder's own thread. It opens graph and tokenizer, and executes commands until it is told to end. */
async function main(port: MessagePort, { folder, device, lanes, context }: EncoderThreadOptions): Promise<void> {
  const post = (report: EncoderReport) => port.postMessage(report);
  try {
    const pieces = await WordPieces.read(folder);
    const graph = await EncoderGraph.open(join(folder, GRAPH_FILE), device);
    const encoding = new TextEncoding(graph, pieces, context);
    await encoding.tryOut();
    serve(port, graph, new EncodingQueue(lanes, (lane, text, options) => encoding.encode(lane, text, options)));
    post({ type: 'ready' });
  } catch (error) {
    post({ type: 'failed', message: asError(error).message });
    port.close();
  }
}

function serve(port: MessagePort, graph: EncoderGraph, queue: EncodingQueue): void {
  const post = (report: EncoderReport) => port.postMessage(report);
  const answer = (id: number, texts: readonly EncodedText[]) => post({ type: 'encoded', id, texts });
  const refuse = (id: number, error: unknown) => post({ type: 'refused', id, message: asError(error).message });
  const close = async () => {
    await queue.close();
    graph[Symbol.dispose]();
    port.close();
  };
  port.on('message', (command: EncoderCommand) => {
    switch (command.type) {
      case 'encode':
        queue.add(command).then(
          (texts) => texts && answer(command.id, texts),
          (error: unknown) => refuse(command.id, error),
        );
        return;
      case 'cancel':
        queue.cancel(command.id);
        return;
      case 'close':
        void close();
    }
  });
}

if (parentPort) await main(parentPort, workerData as EncoderThreadOptions);
