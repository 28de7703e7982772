import { execute, type ExecutionArgs, type GraphQLError, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Draft, DraftEvent } from '../../../src/drafts/drafts.ts';
import { NotFoundError } from '../../../src/lib/errors.ts';
import { buildSchema } from '../../../src/schema/schema.ts';
import { executionOf } from '../../../src/transport/documents/compiled-execution.ts';

const schema = buildSchema();
const usage = { promptTokens: 3, completionTokens: 2, queueMs: null, timeToFirstTokenMs: 12.5, tokensPerSecond: null };
const draft = {
  ...{ id: 'd', listenerId: 'ann', kind: 'POEM', title: 'Snow "and" ice', prompt: 'snow', status: 'GENERATING' },
  ...{ visibility: 'SHARED', modelId: 'gone', finishReason: null, failure: null, text: 'Schnee ❄', sequence: 2, usage },
  ...{
    createdAt: new Date(0),
    updatedAt: new Date(1),
    sampling: { temperature: 1, logitBias: [], bannedPhrases: ['x'] },
  },
} as unknown as Draft;
const events: DraftEvent[] = [
  { type: 'snapshot', reason: 'START', cursor: 'a', draft },
  {
    ...{ type: 'tokens', cursor: 'b', revision: 2, text: 'ü\n' },
    tokens: [
      { id: 1, text: 'ü', logprob: -0.5, alternatives: [{ text: 'u', logprob: -1 }] },
      { id: 2, text: '\n', logprob: 0, alternatives: [] },
    ],
  },
  { type: 'status', cursor: 'c', revision: 3, status: 'COMPLETED', finishReason: 'STOP', usage },
  // What a type does not allow: null where there is none, and a value that the enum has not.
  { type: 'tokens', cursor: 'd', revision: 4, text: null as never, tokens: [null as never] },
  { type: 'status', cursor: 'e', revision: 5, status: 'LOST' as never, finishReason: null, usage },
];

/** The context of a viewer who may see no listeners, one of whom a draft's owner is. */
const contextValue = {
  engine: { models: () => [] },
  drafts: { cursorOf: () => 'cursor' },
  loaders: { listeners: { get: () => Promise.reject(new NotFoundError('There is no such listener', 'ann')) } },
};

const SELECTIONS = {
  names: '__typename',
  'fragments and aliases': `...Text ... on DraftStatusChanged { end: finishReason again: finishReason cursor }
    ... on DraftEvent { ... on DraftSnapshot { draft { ...Whole } } }`,
  'all of a token': '... on TokensAppended { cursor text tokens { text logprob alternatives { text logprob } } }',
  'numbers that may be null': '... on DraftStatusChanged { status usage { queueMs timeToFirstTokenMs promptTokens } }',
  'lists and instants': `... on DraftSnapshot { draft { createdAt updatedAt model { id name status }
    sampling { temperature bannedPhrases logitBias { text } } } }`,
  'what is left out and let in': `... on TokensAppended { text @skip(if: $yes) cursor @include(if: $yes) }
    ... @include(if: $no) { __typename } ...Text @include(if: $yes)`,
  'what is looked up and not found': '... on DraftSnapshot { cursor draft { id owner { id displayName } } }',
};
const FRAGMENTS = `
  fragment Text on DraftEvent { __typename ... on TokensAppended { text } }
  fragment Whole on Draft { id title kind text status finishReason usage { completionTokens } }`;

describe('[SERVE8] a compiled execution of an event', () => {
  it.each(Object.entries(SELECTIONS))('gives the same answer as graphql-js: %s', async (_, selection) => {
    const document = parse(
      `subscription S($draftId: ID!, $yes: Boolean = true, $no: Boolean!) {
        it: draftEvents(draftId: $draftId) { ${selection} __typename @include(if: $yes) @skip(if: $no) } } ${FRAGMENTS}`,
    );
    const rules = { 'Fragment "Whole" is never used.': 1, 'Fragment "Text" is never used.': 1 };
    expect(validate(schema, document).filter(({ message }) => !(message in rules))).toEqual([]);
    const args: ExecutionArgs = { schema, document, operationName: 'S', variableValues: { draftId: 'd', no: false } };
    const run = executionOf(args);
    for (const event of events) {
      const compiled = await run(event, contextValue);
      const interpreted = await execute({ ...args, rootValue: event, contextValue });
      // But for the order of the fields, where the first of two that are one is left out.
      expect(plain(compiled.data)).toEqual(plain(interpreted.data));
      expect(compiled.errors?.map(told)).toEqual(interpreted.errors?.map(told));
    }
  });

  const plain = (data: unknown): unknown => JSON.parse(JSON.stringify(data));

  const told = ({ path, message, locations, originalError }: GraphQLError) => ({
    path,
    message,
    locations,
    originalError,
  });
});
