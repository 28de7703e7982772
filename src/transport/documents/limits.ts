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

/** Maximum number of tokens of a document. It limits the parser's stack depth and the validation time. */
export const MAX_TOKENS = 2_000;
export const MAX_DEPTH = 14;
export const MAX_ALIASES = 30;
/** Maximum nesting of brackets of any kind, including those in values. The parser recurses for each of them. */
const MAX_NESTING = 100;
/** Maximum number of errors reported for a document, including the note that there are more. */
export const MAX_ERRORS = 10;
/** Maximum length of an operation's name in characters. */
const MAX_NAME = 200;
/**
 * Maximum number of field pairs that validation may compare. A document with every field of the schema needs a few
 * hundred.
 */
const MAX_COMPARISONS = 5_000;
/** How many times longer a document of an ADMIN may be. */
const ADMIN_FACTOR = 4;

/** The caller of an operation, known before its document is checked. */
interface Asked {
  caller: { context: { viewer: Viewer } };
}

/** The limits on documents ([SERVE2], [DOC1]–[DOC4]), over HTTP and WebSocket alike. */
export function limitPlugins(config: Pick<Config, 'auth' | 'limits'>): Plugin<Asked>[] {
  return [limitTexts(config), limitTokens(), limitValidation()];
}

/** The length is checked first, so that nothing longer is processed. */
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

/** Strings and comments, whose brackets do not count, and brackets. */
const NESTING = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n\r])*"|#[^\n\r]*|[[({]|[\])}]/g;

function nestingOf(document: string): number {
  let [depth, deepest] = [0, 0];
  for (const [part] of document.matchAll(NESTING)) {
    if ('[({'.includes(part)) deepest = Math.max(deepest, ++depth);
    else if ('])}'.includes(part)) depth--;
  }
  return deepest;
}

/** Checked before validation, because validating such a document would take long. */
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

/** Reported as an error of the document. The rules themselves would throw. */
const reported = {
  onReject: [
    (context: ValidationContext | null, { message }: GraphQLError) =>
      context?.reportError(new GraphQLError(message.replace(/^Syntax Error: /, ''))),
  ],
  propagateOnRejection: false,
};

// Introspection is deep but harmless: its depth is limited by the schema's types.
const depthRule = maxDepthRule({ n: MAX_DEPTH, ignoreIntrospection: true, flattenFragments: true, ...reported });
const aliasesRule = maxAliasesRule({ n: MAX_ALIASES, ...reported });

/** JavaScript treats an object with a `then` as a promise, in the server and in many clients. */
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
