import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/db/tables.ts', './src/db/access/access-tables.ts', './src/db/documents/document-tables.ts'],
  out: './drizzle',
  casing: 'snake_case',
});
