import type { IncomingMessage } from 'node:http';
import type { Problem } from './answers.ts';

/** The media types for a single result. Of a subscription, only the last one applies. */
const FORMS = [
  'application/graphql-response+json',
  'application/json',
  'multipart/mixed',
  'text/event-stream',
] as const;

/** Checked before anything runs: a mutation whose answer cannot be sent must not be executed ([SERVE7]). */
export function formProblem({ method = 'no method', headers }: IncomingMessage, takesGet = true): Problem | null {
  const methods = takesGet ? ['GET', 'POST'] : ['POST'];
  if (!methods.includes(method)) {
    const message = `GraphQL requests use ${methods.join(' or ')}, not ${method}`;
    return { status: 405, code: 'BAD_REQUEST', message, headers: { allow: [...methods, 'OPTIONS'].join(', ') } };
  }
  return takesSome(headers.accept) ? null : notAcceptable(FORMS);
}

/** Names the media types that a client must accept. */
export function notAcceptable(forms: readonly string[]): Problem {
  const named = [...new Set(forms)].join(', ');
  const message = `This operation can be answered as ${named}: name it in the Accept header.`;
  return { status: 406, code: 'NOT_ACCEPTABLE', message, headers: { accept: named } };
}

function takesSome(accept = '*/*'): boolean {
  return (accept === '' ? '*/*' : accept).split(',').some((range) => {
    const [type = '', ...parameters] = range.toLowerCase().replace(/\s/g, '').split(';');
    const isUtf8 = parameters.every((one) => !one.startsWith('charset=') || one === 'charset=utf-8');
    return isUtf8 && FORMS.some((form) => includes(type, form));
  });
}

const includes = (range: string, form: string): boolean =>
  range === form || range === '*/*' || (range.endsWith('/*') && form.startsWith(range.slice(0, -1)));
