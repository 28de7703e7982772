/** Woken when a document's log has grown. */
export const documentKey = (documentId: string): string => `document:${documentId}`;

/** Woken when somebody may have lost the right to read a document. */
export const documentRightsKey = (documentId: string): string => `document-rights:${documentId}`;

/** Woken when somebody has come into a document, moved in it or left it. */
export const presenceKey = (documentId: string): string => `document-presence:${documentId}`;
