import type { IncomingMessage } from 'node:http';

/** Why a body was not taken, as an answer. */
export interface BodyProblem {
  status: number;
  code: string;
  message: string;
}

/**
 * Reads the JSON of a POST and leaves it on the request, where Yoga looks before it reads for itself: through web streams,
 * with a second pair of them to count the bytes, that costs a sixth of a whole request. What is not JSON is left to Yoga.
 * @returns null when there is nothing to complain of
 */
export async function readJsonBody(request: IncomingMessage, mostBytes: number): Promise<BodyProblem | null> {
  if (request.method !== 'POST' || !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return null;
  const text = await readText(request, mostBytes);
  if (text === null)
    return { status: 413, code: 'REQUEST_ENTITY_TOO_LARGE', message: `The body is larger than ${mostBytes} bytes` };
  const body = parseObject(text);
  if (body === null) return { status: 400, code: 'BAD_REQUEST', message: NO_OBJECT };
  Object.assign(request, { body });
  return null;
}

const NO_OBJECT = 'The body is not a JSON object such as {"query": "{ viewer { id } }"}';

/** Null as soon as it is known to be too large: what is left of it is not waited for. */
async function readText(request: IncomingMessage, mostBytes: number): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= mostBytes) chunks.push(chunk);
      else resolve(null);
    });
    request.once('end', () => resolve(Buffer.concat(chunks, size).toString()));
    // Broken off: whatever is answered, nobody reads it.
    request.once('close', () => resolve(''));
  });
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.keys(value).length > 0 ? value : null;
  } catch {
    return null;
  }
}
