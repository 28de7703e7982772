import { checkTune, type TuneProblem } from '../../tunes/tunes.ts';
import { builder } from '../builder.ts';

const ProblemSeverityType = builder.enumType('ProblemSeverity', {
  description: 'How bad a problem is.',
  values: {
    ERROR: { description: 'It cannot be played as it is written.' },
    WARNING: { description: 'It can be played, but probably not as it is meant.' },
  } as const,
});

export const TuneProblemType = builder.objectRef<TuneProblem>('TuneProblem').implement({
  description: 'A problem in ABC notation.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'What is wrong, in words.' }),
    severity: t.field({ type: ProblemSeverityType, description: 'How bad it is.', resolve: (it) => it.severity }),
    line: t.exposeInt('line', { description: "The text's line, from 1." }),
    column: t.exposeInt('column', { description: "The line's UTF-16 code unit, from 1." }),
    bar: t.exposeInt('bar', {
      nullable: true,
      description: 'The bar, from 1 in the order written; a pickup is a bar. Null outside of bars.',
    }),
  }),
});

builder.queryFields((t) => ({
  checkTune: t.field({
    type: [TuneProblemType],
    description:
      'The problems of a tune in ABC notation: bars that are longer or shorter than the metre, fields and symbols that ' +
      'mean nothing. At most 200, in the order of the text.',
    args: { abc: t.arg.string({ required: true, description: 'One tune in ABC 2.1, at most 16,384 characters.' }) },
    resolve: (_, { abc }) => checkTune(abc),
  }),
}));
