import type { CodegenConfig } from '@graphql-codegen/cli';

/** `npm run codegen` generates types for every operation in operations.graphql from the committed contract. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  importExtension: '.ts',
  documents: ['examples/client/operations.graphql', 'examples/clients/operations.graphql'],
  generates: {
    'examples/client/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: {
          ...{ DateTime: 'string', DraftCursor: 'string' },
          ...{
            Metadata: 'Record<string, string | number | boolean | string[]>',
            MetadataValue: 'string | number | boolean',
          },
        },
      },
    },
  },
};

export default config;
