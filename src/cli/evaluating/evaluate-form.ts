import { loadConfig } from '../../config.ts';
import { createLogger } from '../../lib/log.ts';
import { createEngine, defaultSampling, type Engine } from '../../ml/engine.ts';
import { judgeVerse, type VerseJudgement } from '../../verse/judging.ts';
import { loadVerseWords, resolveForm, type VerseForm, type VersePreset, type VerseWords } from '../../verse/verse.ts';
import { parseCommandLine, UsageError } from '../command.ts';
import { openDisplay, print } from '../display.ts';

const USAGE = `npm run evaluate -- form [--samples N] [--seed N] [--json]

  Writes N verses (by default 40) with the default model, one preset after the other, and as many texts without a form,
  and judges the verses by another implementation than the one that keeps their form. The last line is JSON: the shares
  of stanzas with their lines, of lines with their syllables, of rhymes and of refrains that are kept, the number of
  verses that did not come to their end, and the tokens per second with a form divided by those without.`;

const PRESETS: readonly VersePreset[] = ['SONNET', 'BALLAD', 'SONG', 'LIMERICK', 'HAIKU'];
const SUBJECTS = ['the first snow', 'a train at night', 'an old friend', 'the sea', 'leaving home', 'my grandmother'];

interface Written {
  text: string;
  tokens: number;
  ended: boolean;
}

export async function runForm(args: string[]): Promise<number> {
  const options = {
    samples: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  const [samples, seed] = [countOf('samples', values.samples), countOf('seed', values.seed)];
  const config = loadConfig();
  const log = createLogger({ ...config, logLevel: values.json ? 'silent' : 'warn' });
  const { dataDir, network, threads, modelsFile: catalogueFile } = config;
  await using engine = createEngine({ dataDir, network, threads, catalogueFile, log });
  using display = values.json ? null : openDisplay();
  const result = await evaluate(engine, { samples, seed }, (step) => display?.step(step));
  return print(JSON.stringify(result));
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--${name} ${text} is no whole number above 0`);
  return count;
}

async function evaluate(
  engine: Engine,
  { samples, seed }: { samples: number; seed: number },
  report: (step: string) => void,
): Promise<Record<string, number>> {
  const model = engine.defaultModel('TEXT_GENERATION');
  if (!model) throw new UsageError('the catalogue has no model that writes texts');
  await engine.whenReady(model.id);
  const words = await loadVerseWords();
  const tasks = Array.from({ length: samples }, (_, i) => taskOf(i, seed + i));
  report(`${samples} verses`);
  const [verses, verseSeconds] = await writeAll(tasks, (task) => write(engine, model.id, task, words));
  report(`${samples} texts without a form`);
  const [texts, textSeconds] = await writeAll(tasks, (task, i) =>
    write(engine, model.id, { ...task, maxTokens: verses[i]?.tokens ?? 1 }, null),
  );
  const judged = verses.map(({ text }, i) => judgeVerse(text, tasks[i]?.form ?? { stanzas: [], tune: null }));
  return {
    lines: shareOf(judged, 'lines'),
    syllables: shareOf(judged, 'syllables'),
    rhyme: shareOf(judged, 'rhymes'),
    refrain: shareOf(judged, 'refrains'),
    stuck: verses.filter(({ ended }) => !ended).length,
    speed_vs_free: rounded((tokensOf(verses) / verseSeconds) * (textSeconds / tokensOf(texts))),
  };
}

interface Task {
  form: VerseForm;
  subject: string;
  seed: number;
  maxTokens: number;
}

function taskOf(index: number, seed: number): Task {
  const form = resolveForm({ preset: PRESETS[index % PRESETS.length] ?? 'SONNET' }, 'form');
  if (!form) throw new Error('a preset without a form');
  return { form, subject: SUBJECTS[index % SUBJECTS.length] ?? '', seed, maxTokens: 1024 };
}

/** Eight at a time, as a busy server writes them. */
async function writeAll(
  tasks: readonly Task[],
  write: (task: Task, index: number) => Promise<Written>,
): Promise<[Written[], number]> {
  const begun = performance.now();
  const written: Written[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < tasks.length; i = next++) {
      const task = tasks[i];
      if (task) written[i] = await write(task, i);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return [written, (performance.now() - begun) / 1000];
}

/** @param words null for a text without a form, which is not ended before `maxTokens` */
async function write(engine: Engine, modelId: string, task: Task, words: VerseWords | null): Promise<Written> {
  const { form, subject, seed, maxTokens } = task;
  const messages = [{ role: 'user' as const, content: `Write a poem about ${subject}.` }];
  const sampling = { ...defaultSampling, seed, maxTokens };
  const verse = words && { form, words, own: [], lead: '', written: '' };
  const written: Written = { text: '', tokens: 0, ended: false };
  using ticket = engine.admit(modelId);
  for await (const event of ticket.generate({ messages, sampling, verse }, new AbortController().signal)) {
    if (event.type === 'tokens') {
      written.text += event.text;
      written.tokens += event.tokens.length;
    } else if (event.type === 'finished') written.ended = event.reason === 'STOP';
  }
  return written;
}

const tokensOf = (written: readonly Written[]): number => written.reduce((sum, { tokens }) => sum + tokens, 0);

function shareOf(judged: readonly VerseJudgement[], part: keyof VerseJudgement): number {
  const all = judged.flatMap((judgement) => judgement[part]);
  return rounded(all.filter(Boolean).length / all.length);
}

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
