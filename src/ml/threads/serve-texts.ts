import type { MessagePort } from 'node:worker_threads';
import { asError } from '../../lib/errors.ts';
import type { AnswerCommand, AnswerReport } from './protocol.ts';
import { type AnswerText, TextQueue } from './text-queue.ts';

/** A model that a thread has opened. */
export interface OpenModel<Options, Answer> extends Disposable {
  answer: AnswerText<Options, Answer>;
}

/** The thread's side of `TextThread`: it opens the model, and executes commands until it is told to end. */
export async function serveTexts<Options, Answer>(
  port: MessagePort,
  lanes: number,
  open: () => Promise<OpenModel<Options, Answer>>,
): Promise<void> {
  const post = (report: AnswerReport<Answer>) => port.postMessage(report);
  try {
    const model = await open();
    serve(port, post, model, new TextQueue(lanes, model.answer));
    post({ type: 'ready' });
  } catch (error) {
    post({ type: 'failed', message: asError(error).message });
    port.close();
  }
}

function serve<Options, Answer>(
  port: MessagePort,
  post: (report: AnswerReport<Answer>) => void,
  model: Disposable,
  queue: TextQueue<Options, Answer>,
): void {
  const refuse = (id: number, error: unknown) => post({ type: 'refused', id, message: asError(error).message });
  const close = async () => {
    await queue.close();
    model[Symbol.dispose]();
    port.close();
  };
  port.on('message', (command: AnswerCommand<Options>) => {
    switch (command.type) {
      case 'answer':
        queue.add(command).then(
          (answers) => answers && post({ type: 'answered', id: command.id, answers }),
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
