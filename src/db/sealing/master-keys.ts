import { createHash, randomBytes } from 'node:crypto';
import { StartupError } from '../../lib/errors.ts';
import { decrypt, encrypt, KEY_BYTES } from './cipher.ts';

interface MasterKey {
  /** The beginning of its digest, by which data keys name it. */
  id: string;
  key: Buffer;
}

/** A data key as it is stored: encrypted with a master key. */
export interface WrappedKey {
  master: string;
  wrapped: Buffer;
}

/** The operator's keys. The first wraps new data keys, and the others unwrap those of before a rotation ([SEAL4]). */
export class MasterKeys {
  readonly #current: MasterKey;
  readonly #byId: ReadonlyMap<string, MasterKey>;

  private constructor(keys: readonly [MasterKey, ...MasterKey[]]) {
    this.#current = keys[0];
    this.#byId = new Map(keys.map((key) => [key.id, key]));
  }

  /**
   * @param text keys of 32 bytes in base64 or hexadecimal, separated by white space or commas
   * @param source names them in the error
   * @throws StartupError that does not show them
   */
  static parse(text: string, source: string): MasterKeys {
    const [first, ...others] = text
      .split(/[\s,]+/)
      .filter((part) => part !== '')
      .map((part, i) => masterKey(part, `Key ${i + 1} of ${source}`));
    if (!first) throw new StartupError(`${source} has no key. \`npm run encryption -- new-key\` prints one.`);
    return new MasterKeys([first, ...others]);
  }

  /** The id of the key that wraps new data keys. */
  get currentId(): string {
    return this.#current.id;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  wrap(dataKey: Buffer, dataKeyId: number): WrappedKey {
    const { id, key } = this.#current;
    return { master: id, wrapped: encrypt(key, dataKey, associatedWith(dataKeyId)) };
  }

  /** @throws StartupError if the master key is not among these */
  unwrap({ master, wrapped }: WrappedKey, dataKeyId: number): Buffer {
    const found = this.#byId.get(master);
    if (!found) throw missingMaster([master]);
    return decrypt(found.key, wrapped, associatedWith(dataKeyId));
  }
}

/** A new master key, as an operator keeps it. */
export const newMasterKey = (): string => randomBytes(KEY_BYTES).toString('base64');

export const missingMaster = (ids: readonly string[]): StartupError =>
  new StartupError(
    `The texts in this database are encrypted with the master key ${ids.join(', ')}, which is not given: set CADENZA_MASTER_KEY, ` +
      'CADENZA_MASTER_KEY_FILE or CADENZA_MASTER_KEY_COMMAND as it was, or put master.key back into the data folder.',
  );

const associatedWith = (dataKeyId: number): string => `data key ${dataKeyId}`;

function masterKey(text: string, source: string): MasterKey {
  const isHex = /^[0-9a-f]{64}$/i.test(text);
  const key = Buffer.from(text, isHex ? 'hex' : 'base64');
  const isWritten = isHex || /^[\w+/-]+={0,2}$/.test(text);
  if (!isWritten || key.length !== KEY_BYTES)
    throw new StartupError(
      `${source} is not 32 bytes in base64 or hexadecimal. \`npm run encryption -- new-key\` prints one.`,
    );
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 16), key };
}
