import {
  type DocumentNode,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  type ParseOptions,
  type Source,
  type validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../../config.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import { comparesMoreThan } from './overlap.ts';
import { excessOfShape } from './shape.ts';

/** Maximum number of tokens of a document. It limits the parser's stack depth and the validation time. */
export const MAX_TOKENS = 2_000;
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
export function limitPlugins(
  config: Pick<Config, 'auth' | 'limits'> & Partial<Pick<Config, 'introspection'>>,
): Plugin<Asked>[] {
  const hides = config.introspection === false ? [hideSchema()] : [];
  return [limitTexts(config), limitTokens(), limitValidation(), ...hides];
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

/** What describes the schema is refused as if it were not there ([PROD2]). */
const hideSchema = (): Plugin<Asked> => ({
  onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule),
});

/** Checked before validation, because validating such a document would take long. */
function limitValidation(): Plugin<Asked> {
  return {
    onValidate: ({ validateFn, setValidationFn }) => {
      const checked: typeof validate = (schema, document, rules) => {
        const excess = excessOf(document);
        if (excess) return [excess];
        const options = { maxErrors: MAX_ERRORS - 1, hideSuggestions: true };
        return (validateFn as typeof validate)(schema, document, rules, options);
      };
      setValidationFn(checked);
    },
  };
}

function excessOf(document: DocumentNode): GraphQLError | null {
  if (comparesMoreThan(MAX_COMPARISONS, document)) {
    return new GraphQLError('The document selects fields with the same name too often: select each field once');
  }
  return excessOfShape(document);
}

const refusal = (code: string, message: string, status: number): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status } } });
