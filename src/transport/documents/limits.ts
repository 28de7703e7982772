import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  parse,
  type ParseOptions,
  type Source,
  validate,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../../config.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import { comparesMoreThan } from './overlap.ts';

/** Tokens of a document. A parser's stack depth is bounded by it, and so is the time that validation takes. */
export const MAX_TOKENS = 2_000;
export const MAX_DEPTH = 14;
export const MAX_ALIASES = 30;
/** Brackets of any kind within each other, in values as well: a parser calls itself for each, until its stack is full. */
const MAX_NESTING = 100;
/** Told of one document, the note that there are more among them. */
export const MAX_ERRORS = 10;
/** Characters of an operation's name. */
const MAX_NAME = 200;
/** Pairs of fields that validation compares; a document of all the fields there are has a few hundred. */
const MAX_COMPARISONS = 5_000;
/** By how much a document of who may do all may be longer. */
const ADMIN_FACTOR = 4;

/** Whoever asks for an operation, known before its document is looked at. */
interface Asked {
  caller: { context: { viewer: Viewer } };
}

/** What one document may ask for ([SERVE2], [DOC1]–[DOC4]), the same over HTTP and over WebSocket. */
export function limitPlugins(config: Pick<Config, 'auth' | 'limits'>): Plugin<Asked>[] {
  return [limitTexts(config), limitTokens(), limitValidation()];
}

/** Length first: what is longer is not looked at. */
function limitTexts({ auth, limits }: Pick<Config, 'auth' | 'limits'>): Plugin<Asked> {
  const mostBytes = ({ viewer }: { viewer: Viewer }): number =>
    limits.documentBytes * (auth !== null && may(viewer, 'ADMIN') ? ADMIN_FACTOR : 1);
  return {
    onParse: ({ context: { caller, params } }) => {
      const most = mostBytes(caller.context);
      if (Buffer.byteLength(params.query ?? '') > most) {
        throw refusal('DOCUMENT_TOO_LONG', `A document may have at most ${most} bytes`, 413);
      }
      if ((params.operationName?.length ?? 0) > MAX_NAME) {
        throw refusal('BAD_REQUEST', `operationName may have at most ${MAX_NAME} characters`, 400);
      }
    },
  };
}

function limitTokens(): Plugin<Asked> {
  const limited = (source: string | Source, options?: ParseOptions) => {
    if (nestingOf(typeof source === 'string' ? source : source.body) > MAX_NESTING) {
      throw refusal('GRAPHQL_PARSE_FAILED', `The document is nested deeper than ${MAX_NESTING} levels`, 400);
    }
    return parse(source, { ...options, maxTokens: MAX_TOKENS });
  };
  return { onParse: ({ setParseFn }) => setParseFn(limited) };
}

/** Texts and comments, in which brackets are none; and brackets. */
const NESTING = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n\r])*"|#[^\n\r]*|[[({]|[\])}]/g;

function nestingOf(document: string): number {
  let [depth, deepest] = [0, 0];
  for (const [part] of document.matchAll(NESTING)) {
    if ('[({'.includes(part)) deepest = Math.max(deepest, ++depth);
    else if ('])}'.includes(part)) depth--;
  }
  return deepest;
}

/** What a document asks for too much of is refused before it is validated, which may take long for that very reason. */
function limitValidation(): Plugin<Asked> {
  const checked: typeof validate = (schema, document, rules) => {
    const excess = excessOf(schema, document);
    return excess.length > 0
      ? excess
      : validate(schema, document, rules, { maxErrors: MAX_ERRORS - 1, hideSuggestions: true });
  };
  return { onValidate: ({ setValidationFn }) => setValidationFn(checked) };
}

function excessOf(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  if (comparesMoreThan(MAX_COMPARISONS, document)) {
    return [new GraphQLError('The document selects fields with the same name too often: select each field once')];
  }
  return validate(schema, document, [depthRule, aliasesRule, reservedAliasRule], { maxErrors: 1 });
}

/** Told as an error of the document and not thrown, as the rules would by themselves. */
const reported = {
  onReject: [
    (context: ValidationContext | null, { message }: GraphQLError) =>
      context?.reportError(new GraphQLError(message.replace(/^Syntax Error: /, ''))),
  ],
  propagateOnRejection: false,
};

// Introspection is deep and harmless: its depth is that of the schema's types, of which there are few.
const depthRule = maxDepthRule({ n: MAX_DEPTH, ignoreIntrospection: true, flattenFragments: true, ...reported });
const aliasesRule = maxAliasesRule({ n: MAX_ALIASES, ...reported });

/** JavaScript takes an object that has a `then` for a promise, here and in many a client. */
const reservedAliasRule = (context: ValidationContext): ASTVisitor => ({
  Field: (node) => {
    if (node.alias && RESERVED_ALIASES.has(node.alias.value)) {
      const message = `${node.alias.value} cannot be an alias: it has a special meaning in JavaScript objects`;
      context.reportError(new GraphQLError(message, { nodes: node.alias }));
    }
  },
});

const RESERVED_ALIASES = new Set(['then', '__proto__']);

const refusal = (code: string, message: string, status: number): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status } } });
