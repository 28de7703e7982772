/** Messages to a thread that answers texts. */
export type AnswerCommand<Options> =
  | { type: 'answer'; id: number; texts: readonly string[]; options: Options }
  | { type: 'cancel'; id: number }
  | { type: 'close' };

/** Messages from the thread. */
export type AnswerReport<Answer> =
  | { type: 'ready' }
  | { type: 'failed'; message: string }
  | { type: 'answered'; id: number; answers: readonly Answer[] }
  | { type: 'refused'; id: number; message: string };
