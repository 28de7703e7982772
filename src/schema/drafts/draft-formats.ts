import type { Format } from '../../formats/formats.ts';
import { builder } from '../builder.ts';

export const DraftFormatInputType = builder.inputType('DraftFormatInput', {
  description:
    'The format of an answer, kept token by token: exactly one of these. The answer always comes to an end within ' +
    '`maxTokens`. What is not supported is refused with its name.',
  fields: (t) => ({
    jsonSchema: t.field({
      type: 'JSON',
      description:
        'A JSON Schema (2020-12), at most 32,768 characters as JSON. The answer is JSON that conforms: its objects have ' +
        'the properties that are named, in that order. `Draft.json` is the answer as a value.',
    }),
    regex: t.string({
      description:
        'A regular expression of ECMAScript with the flag `u`, at most 4,096 characters. The whole answer matches. ' +
        'Without references, look-arounds and Unicode properties.',
    }),
    choice: t.stringList({ description: 'Texts, 1–1,000, one of which is the answer.' }),
    gbnf: t.string({
      description: "A grammar in llama.cpp's GBNF, at most 32,768 characters. The rule `root` is the answer.",
    }),
    lark: t.string({
      description:
        "A grammar in Lark's notation, at most 32,768 characters. The rule `start` is the answer. Of directives it may " +
        'have `%import common`.',
    }),
  }),
});

export const DraftFormatType = builder.objectRef<Format>('DraftFormat').implement({
  description: 'The format of an answer. One of the fields is set.',
  fields: (t) => ({
    jsonSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The JSON Schema to which the answer conforms.',
      resolve: (format) => (format.type === 'JSON_SCHEMA' ? (JSON.parse(format.schema) as unknown) : null),
    }),
    regex: t.string({
      nullable: true,
      description: 'The regular expression that the answer matches.',
      resolve: (format) => (format.type === 'REGEX' ? format.expression : null),
    }),
    choice: t.stringList({
      nullable: true,
      description: 'The texts of which the answer is one.',
      resolve: (format) => (format.type === 'CHOICE' ? [...format.options] : null),
    }),
    gbnf: t.string({
      nullable: true,
      description: 'The grammar in GBNF that the answer follows.',
      resolve: (format) => (format.type === 'GBNF' ? format.grammar : null),
    }),
    lark: t.string({
      nullable: true,
      description: "The grammar in Lark's notation that the answer follows.",
      resolve: (format) => (format.type === 'LARK' ? format.grammar : null),
    }),
  }),
});
