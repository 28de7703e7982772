import { StoredDataError } from '../../lib/stored-data.ts';
import { TamperedError } from './cipher.ts';
import { KeyDestroyedError, type Sealer, type Vault } from './vault.ts';

/** Begins a text that is not stored as it is: no text that anybody has reason to write begins with it. */
const MARK = '\u0001';
/** After the mark: a sealed text in base64, or a text of somebody's that begins with the mark. */
const [SEALED, WRITTEN] = ['k', 't'];

/** A text as it is stored. */
export function sealText(sealer: Sealer | null, text: string, of: string): string {
  if (sealer) return `${MARK}${SEALED}${sealer.seal(text, of).toString('base64')}`;
  return text.startsWith(MARK) ? `${MARK}${WRITTEN}${text}` : text;
}

export async function openText(vault: Vault, stored: string, of: string): Promise<string> {
  if (isSealedText(stored)) return (await opened(vault, Buffer.from(stored.slice(2), 'base64'), of)).toString();
  return stored.startsWith(`${MARK}${WRITTEN}`) ? stored.slice(2) : stored;
}

const isSealedText = (stored: string): boolean => stored.startsWith(`${MARK}${SEALED}`);

/** A list of texts: sealed, it is one text. */
export function sealTexts(sealer: Sealer | null, texts: readonly string[], of: string): string[] {
  if (sealer && texts.length > 0) return [sealText(sealer, JSON.stringify(texts), of)];
  return texts.map((text) => sealText(null, text, of));
}

export async function openTexts(vault: Vault, stored: readonly string[], of: string): Promise<string[]> {
  const [only] = stored;
  if (stored.length === 1 && only !== undefined && isSealedText(only))
    return JSON.parse(await openText(vault, only, of)) as string[];
  return Promise.all(stored.map((text) => openText(vault, text, of)));
}

/** An object of JSON, of which only the fields that statements read are not sealed. */
export function sealFields(sealer: Sealer | null, value: object, clear: readonly string[], of: string): object {
  if (!sealer) return value;
  const fields = Object.entries(value);
  const isClear = ([name]: readonly [string, unknown]): boolean => clear.includes(name);
  const rest = Object.fromEntries(fields.filter((field) => !isClear(field)));
  const sealed = sealer.seal(JSON.stringify(rest), of).toString('base64');
  return { ...Object.fromEntries(fields.filter(isClear)), sealed };
}

/** What is not an object with sealed fields is as it was stored. */
export async function openFields(vault: Vault, stored: unknown, of: string): Promise<unknown> {
  if (typeof stored !== 'object' || stored === null || !('sealed' in stored)) return stored;
  const { sealed, ...clear } = stored;
  if (typeof sealed !== 'string') return stored;
  const rest = JSON.parse((await opened(vault, Buffer.from(sealed, 'base64'), of)).toString()) as object;
  return { ...clear, ...rest };
}

/** For what is gone with the key of its listener. @throws any other error */
export function nullIfDestroyed(error: unknown): null {
  if (error instanceof KeyDestroyedError) return null;
  throw error;
}

/** @throws StoredDataError if it was changed; KeyDestroyedError */
export async function opened(vault: Vault, sealed: Uint8Array, of: string): Promise<Buffer> {
  try {
    return await vault.open(sealed, of);
  } catch (error) {
    if (!(error instanceof TamperedError)) throw error;
    throw new StoredDataError(`${of} cannot be read: ${error.message}`, { cause: error });
  }
}
