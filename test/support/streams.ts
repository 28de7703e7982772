import type { Answer } from './listening.ts';

/** The first answer of a subscription, over server-sent events; the stream is left then. */
export async function firstOfStream(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const leaving = new AbortController();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify({ query, variables }),
    signal: leaving.signal,
  });
  let text = '';
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value;
    const data = /^data: (.+)$/m.exec(text)?.[1];
    if (data === undefined) continue;
    leaving.abort();
    return JSON.parse(data) as Answer;
  }
  throw new Error(`The stream ended with ${JSON.stringify(text)}`);
}
