/**
 * The protocol wants a `query` in each subscribe message. One that names a registered document instead gets an empty one,
 * and the document is put in later, where who asks is known.
 */
export function withQuery(message: string): string {
  if (!message.includes('"documentId"')) return message;
  try {
    const parsed = JSON.parse(message) as { type?: unknown; payload?: unknown };
    const { payload } = parsed;
    if (parsed.type !== 'subscribe' || !isNamed(payload)) return message;
    return JSON.stringify({ ...parsed, payload: { ...payload, query: '' } });
  } catch {
    return message;
  }
}

const isNamed = (payload: unknown): payload is object =>
  typeof payload === 'object' &&
  payload !== null &&
  'documentId' in payload &&
  !('query' in payload && payload.query != null);
