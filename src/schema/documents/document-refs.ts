import type { DocumentVersion, TextDocument } from '../../documents/documents.ts';
import { builder } from '../builder.ts';
import { connectionType } from '../connection.ts';

/** Declared separately from their fields, because they refer to each other. */
export const DocumentType = builder.objectRef<TextDocument>('Document');
export const DocumentConnectionType = connectionType<TextDocument>('Document', DocumentType);
export const DocumentVersionType = builder.objectRef<DocumentVersion>('DocumentVersion');
export const DocumentVersionConnectionType = connectionType<DocumentVersion>('DocumentVersion', DocumentVersionType);

export const documentIdDescription = "The document's `id`.";

/** What most changes of documents may fail with. */
export const documentErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError', 'ConflictError'] as const;

export const documentSuccess = (name: string, description: string) =>
  builder.objectRef<{ document: TextDocument }>(`${name}Success`).implement({
    description,
    fields: (t) => ({
      document: t.field({
        type: DocumentType,
        description: 'The document as it is now.',
        resolve: ({ document }) => document,
      }),
    }),
  });
