import type { MetadataKey } from '../../catalogue/catalogue.ts';
import { declareMetadataKeys, removeMetadataKey } from '../../resolvers/catalogue.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { resultType } from '../errors.ts';

const MetadataTypeType = builder.enumType('MetadataType', {
  description: 'The type of the values of a metadata key.',
  values: {
    STRING: { description: 'A text of 1–1,000 characters.' },
    STRINGS: { description: 'A list of at most 50 texts.' },
    NUMBER: { description: 'A number.' },
    BOOLEAN: { description: '`true` or `false`.' },
  } as const,
});

const keyAbout = 'A letter, then up to 49 letters, digits and underscores.';

export const MetadataKeyType = builder.objectRef<MetadataKey>('MetadataKey').implement({
  description: 'A key of metadata that tracks may have values of.',
  fields: (t) => ({
    name: t.exposeString('name', { description: `The key. ${keyAbout}` }),
    type: t.expose('type', { type: MetadataTypeType, description: 'The type of its values.' }),
  }),
});

const MetadataKeyInputType = builder.inputType('MetadataKeyInput', {
  description: 'A key to declare.',
  fields: (t) => ({
    name: t.string({ required: true, description: `The key. ${keyAbout}` }),
    type: t.field({ type: MetadataTypeType, required: true, description: 'The type of its values.' }),
  }),
});

const keysField = (name: string, description: string) =>
  builder.objectRef<{ keys: readonly MetadataKey[] }>(name).implement({
    description,
    fields: (t) => ({
      metadataKeys: t.field({
        type: [MetadataKeyType],
        description: 'All declared keys, by name.',
        resolve: ({ keys }) => keys,
      }),
    }),
  });

const DeclareSuccess = keysField('DeclareMetadataKeysSuccess', 'These keys are declared.');
const RemoveSuccess = keysField('RemoveMetadataKeySuccess', 'The key is no longer declared.');
const declareErrors = ['InvalidInputError', 'ForbiddenError'] as const;
const removeErrors = ['NotFoundError', 'ConflictError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  declareMetadataKeys: t.field({
    type: resultType('DeclareMetadataKeys', DeclareSuccess, declareErrors),
    description:
      'Declares keys that the metadata of tracks may have from now on: all of them or none, at most 50 in all. ' +
      'Repeating it changes nothing. Requires the SERVICE role.',
    args: { input: t.arg({ type: [MetadataKeyInputType], required: true, description: 'The keys to declare.' }) },
    resolve: (_, { input }, context) =>
      outcome(declareErrors, async () => ({ keys: await declareMetadataKeys(given(input), context) })),
  }),
  removeMetadataKey: t.field({
    type: resultType('RemoveMetadataKey', RemoveSuccess, removeErrors),
    description: 'Removes a declared key that no track has a value of. Requires the SERVICE role.',
    args: { name: t.arg.string({ required: true, description: 'The key.' }) },
    resolve: (_, { name }, context) =>
      outcome(removeErrors, async () => ({ keys: await removeMetadataKey(name, context) })),
  }),
}));
