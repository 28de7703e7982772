import type { CodegenConfig } from '@graphql-codegen/cli';

const scalars = {
  ...{
    DateTime: 'string',
    DateOrTime: 'string',
    DraftCursor: 'string',
    DocumentCursor: 'string',
    Base64: 'string',
  },
  ...{
    Metadata: 'Record<string, string | number | boolean | string[]>',
    MetadataValue: 'string | number | boolean',
    JSON: 'unknown',
  },
};
const typed = {
  preset: 'client',
  presetConfig: { fragmentMasking: false },
  config: { useTypeImports: true, enumsAsTypes: true, strictScalars: true, scalars },
} as const;

/** `npm run codegen` generates types for every operation of the examples and of the Studio from the committed contract. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  importExtension: '.ts',
  generates: {
    'examples/client/generated/': {
      ...typed,
      documents: [
        'examples/client/operations.graphql',
        'examples/clients/operations.graphql',
        'examples/clients/onboarding.graphql',
      ],
    },
    // Its build needs the types only: it also works where nothing generates them.
    'packages/studio/src/generated/': { ...typed, documents: 'packages/studio/src/**/*.graphql' },
  },
};

export default config;
