import { text as readAll } from 'node:stream/consumers';
import { loadConfig } from '../config.ts';
import { createLanguage, type Language } from '../language/language.ts';
import { createRemoteEngine } from '../ml/engine.ts';
import { createReports } from '../report/report.ts';
import { parseCommandLine, runCommand, UsageError } from './command.ts';
import { print } from './display.ts';
import { openConfiguredEncoder, openConfiguredTranslation } from './language/language-options.ts';

const USAGE = `Usage: npm run text -- COMMAND [TEXT …] [--classifier NAME] [--words] [--to CODE] [--from CODE]

  Without a TEXT each line of the standard input is one. A line of JSON is printed for each.

  classify    the labels of a text (--classifier, default: emotion); --words: with each word's part of the scores
  sentiment   how positive it is, from −1 to 1
  mood        valence and arousal, from −1 to 1
  language    its language, as ISO 639-1
  embed       its vector
  translate   it in another language (--to; --from unless it can be told by the text)
  analyse     a report: measures, mood and findings with their reasons; the whole standard input is one text`;

interface Asked {
  texts: readonly string[];
  classifier: string;
  words: boolean;
  from: string | null;
  to: string;
  signal: AbortSignal;
}

const COMMANDS: Readonly<Record<string, (language: Language, asked: Asked) => Promise<readonly unknown[]>>> = {
  classify: (language, asked) => classify(language, asked),
  sentiment: async (language, { texts, signal }) =>
    (await language.sentiments(texts, signal)).map((score) => ({ score })),
  mood: (language, { texts, signal }) => language.moods(texts, signal),
  language: (language, { texts, signal }) => language.detect(texts, signal),
  embed: async (language, { texts, signal }) =>
    (await language.embed(texts, signal)).map(({ embedding, tokens }) => ({ vector: [...embedding], tokens })),
  translate: (language, { texts, from, to, signal }) => language.translate({ texts, from, to, glossary: [] }, signal),
};
/** Number of texts of one call. */
const AT_ONCE = 50;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = {
    classifier: { type: 'string', default: 'emotion' },
    words: { type: 'boolean', default: false },
    from: { type: 'string' },
    to: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const [name, ...given] = positionals;
  if (name === undefined) throw new UsageError('a command is missing');
  if (name === 'analyse') return analyse(given.length > 0 ? given : [await readAll(process.stdin)], signal);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`there is no command ${name}`);
  const texts = given.length > 0 ? given : (await readAll(process.stdin)).split(/\r?\n/).filter((line) => line.trim());
  if (name === 'translate' && values.to === undefined) throw new UsageError('--to is missing');
  await using language = await open(name, signal);
  for (let from = 0; from < texts.length; from += AT_ONCE) {
    const languages = { from: values.from ?? null, to: values.to ?? '' };
    const asked = { ...values, ...languages, texts: texts.slice(from, from + AT_ONCE), signal };
    for (const answer of await command(language, asked)) print(JSON.stringify(answer));
  }
  return 0;
}

/** Opens what the command needs, and nothing else. */
async function open(command: string, signal: AbortSignal): Promise<Language> {
  const { dataDir } = loadConfig();
  const none = createRemoteEngine(() => []);
  const tell = (line: string) => process.stderr.write(`${line}\n`);
  if (command === 'language') return createLanguage({ vectors: none, translation: none, encoder: () => null, dataDir });
  if (command === 'translate') {
    const translation = openConfiguredTranslation(signal, tell);
    return closing(createLanguage({ vectors: none, translation, encoder: () => null, dataDir }), translation);
  }
  const vectors = await openConfiguredEncoder(signal, tell);
  return closing(createLanguage({ vectors, translation: none, encoder: () => vectors.model, dataDir }), vectors);
}

function closing(language: Language, models: AsyncDisposable): Language {
  const close = async () => {
    await language[Symbol.asyncDispose]();
    await models[Symbol.asyncDispose]();
  };
  return { ...language, [Symbol.asyncDispose]: close };
}

/** Positions in a report are UTF-16 code units. */
async function analyse(texts: readonly string[], signal: AbortSignal): Promise<number> {
  await using reports = createReports();
  for (const text of texts) print(JSON.stringify(await reports.of(text, 'the text', signal)));
  return 0;
}

async function classify(language: Language, { texts, classifier, words, signal }: Asked): Promise<unknown[]> {
  const found = await language.classify(texts, classifier, signal);
  if (!words) return [...found];
  const explained = texts.map((text) => language.explain(text, classifier, signal));
  const parts = await Promise.all(explained);
  return found.map((one, i) => ({
    ...one,
    labels: one.labels.map((label, at) => ({ ...label, words: parts[i]?.[at] ?? [] })),
  }));
}

await runCommand({ usage: USAGE, run });
