import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

/** Memory for all cached documents together. */
const CACHE_BYTES = 32 * 2 ** 20;
/** Estimated memory per token, parsed and compiled. Measured and rounded up. */
const BYTES_PER_TOKEN = 1_700;

/**
 * Caches valid documents, so that a repeated document is neither parsed nor validated again. The cache is limited by
 * memory, not by number, and refused documents are not cached ([DOC2]).
 */
export function cacheDocuments(mostBytes = CACHE_BYTES): Plugin {
  const known = new LRUCache<string, DocumentNode>({ maxSize: mostBytes, sizeCalculation: sizeOf });
  const valid = new WeakSet<DocumentNode>();
  return {
    onParse: ({ context: { params }, setParsedDocument }) => {
      const document = known.get(params.query ?? '');
      if (document) setParsedDocument(document);
    },
    onValidate: ({ params, setResult }) => {
      const { documentAST: document } = params as { documentAST: DocumentNode };
      if (valid.has(document)) {
        setResult([]);
        return;
      }
      return ({ valid: isValid }) => {
        const text = document.loc?.source.body;
        if (!isValid || text === undefined) return;
        valid.add(document);
        known.set(text, document);
      };
    },
  };
}

const sizeOf = (document: DocumentNode, text: string): number =>
  2 * text.length + BYTES_PER_TOKEN * (document.tokenCount ?? 0) + BYTES_PER_TOKEN;
