import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/db/client.ts';
import { masterKeysOf } from '../../src/db/open.ts';
import { decrypt, encrypt, TamperedError } from '../../src/db/sealing/cipher.ts';
import { MasterKeys, newMasterKey } from '../../src/db/sealing/master-keys.ts';
import { openMasterKeys } from '../../src/db/sealing/open-master-keys.ts';
import { rewrapDataKeys, selectSealingStatus } from '../../src/db/sealing/rewrap.ts';
import {
  openFields,
  openText,
  openTexts,
  sealFields,
  sealText,
  sealTexts,
} from '../../src/db/sealing/sealed-values.ts';
import { KeyDestroyedError } from '../../src/db/sealing/vault.ts';
import { StartupError } from '../../src/lib/errors.ts';
import { StoredDataError } from '../../src/lib/stored-data.ts';
import { testDatabase } from '../support/postgres/database.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'cadenza-keys-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function withListener(masterKeys?: MasterKeys | null) {
  const database = await testDatabase(masterKeys === undefined ? {} : { masterKeys });
  const [ann] = await database.sql<[{ id: number }]>`
    insert into listeners (external_id, display_name) values ('ann', 'ann') returning id::float8 as id`;
  return { database, id: ann.id };
}

describe('the cipher', () => {
  it('[SEAL1] opens only what was encrypted with this key for this place, unchanged', () => {
    const [key, other] = [randomBytes(32), randomBytes(32)];
    for (const text of ['', 'snow', '雪'.repeat(10_000)]) {
      const sealed = encrypt(key, Buffer.from(text), 'here');
      expect(decrypt(key, sealed, 'here').toString()).toBe(text);
      expect(encrypt(key, Buffer.from(text), 'here').equals(sealed)).toBe(false);
      expect(() => decrypt(key, sealed, 'there')).toThrow(TamperedError);
      expect(() => decrypt(other, sealed, 'here')).toThrow(TamperedError);
      for (const at of [0, 12, sealed.length - 1]) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(() => decrypt(key, changed, 'here')).toThrow(TamperedError);
      }
      expect(() => decrypt(key, sealed.subarray(0, 27), 'here')).toThrow(TamperedError);
    }
  });
});

describe('stored values', () => {
  it('[SEAL1] are sealed with the listener’s key, and read as they were', async () => {
    const { database, id } = await withListener();
    const sealer = (await database.vault.sealerOf(id))!;
    const text = sealText(sealer, 'Quiet mornings', 'listeners 1 text');
    expect(text).not.toContain('Quiet');
    expect(await openText(database.vault, text, 'listeners 1 text')).toBe('Quiet mornings');
    await expect(openText(database.vault, text, 'listeners 2 text')).rejects.toThrow(StoredDataError);
    const texts = sealTexts(sealer, ['calm', 'slow'], 'x');
    expect(await openTexts(database.vault, texts, 'x')).toEqual(['calm', 'slow']);
    expect(sealTexts(sealer, [], 'x')).toEqual([]);
    const fields = sealFields(sealer, { from: 3, instruction: 'more snow' }, ['from'], 'x');
    expect(fields).toMatchObject({ from: 3 });
    expect(JSON.stringify(fields)).not.toContain('snow');
    expect(await openFields(database.vault, fields, 'x')).toEqual({ from: 3, instruction: 'more snow' });
    // Another process has the key from the database.
    await using second = connect(database.url, { masterKeys: MasterKeys.parse(MASTER, 'a test'), connections: 1 });
    await database.sql`truncate data_keys`;
    await expect(openText(second.vault, text, 'listeners 1 text')).rejects.toThrow(KeyDestroyedError);
  });

  it.each(['snow', '', '\u0001', '\u0001k0000', '\u0001t', '\u0001\u0001'])(
    '[SEAL2] are kept as they are without a master key, whatever they begin with: %j',
    async (text) => {
      const { database, id } = await withListener(null);
      expect(await database.vault.sealerOf(id)).toBeNull();
      const [stored, list] = [sealText(null, text, 'x'), sealTexts(null, [text, text], 'x')];
      expect(await openText(database.vault, stored, 'x')).toBe(text);
      expect(await openTexts(database.vault, list, 'x')).toEqual([text, text]);
      expect(await database.sql`select from data_keys`).toHaveLength(0);
    },
  );

  it('[SEAL1] two nodes that make a listener’s first key at once read each other’s texts', async () => {
    const { database, id } = await withListener();
    await using other = connect(database.url, { masterKeys: MasterKeys.parse(MASTER, 'a test'), connections: 2 });
    const vaults = [database.vault, other.vault];
    const texts = await Promise.all(
      vaults.map(async (vault, i) => sealText(await vault.sealerOf(id), `text ${i}`, 'x')),
    );
    for (const vault of vaults)
      expect(await Promise.all(texts.map((text) => openText(vault, text, 'x')))).toEqual(['text 0', 'text 1']);
  });
});

const MASTER = Buffer.alloc(32, 'cadenza').toString('base64');

describe('master keys', () => {
  it('[SEAL3] come from a variable, a file or a command, in base64 or hexadecimal', async () => {
    const [first, second] = [newMasterKey(), randomBytes(32).toString('hex')];
    const path = join(await folder(), 'keys');
    await writeFile(path, `${first}\n${second}\n`);
    const keys = await Promise.all([
      openMasterKeys({ kind: 'key', keys: `${first},${second}` }),
      openMasterKeys({ kind: 'file', path }),
      openMasterKeys({ kind: 'command', command: `${process.execPath} -p "'${first}\\n${second}'"` }),
    ]);
    const expected = MasterKeys.parse(first, 'a test').currentId;
    expect(keys.map(({ currentId }) => currentId)).toEqual([expected, expected, expected]);
    const other = MasterKeys.parse(second, 'a test').currentId;
    expect(keys.map((all) => all.has(other))).toEqual([true, true, true]);
  });

  it.each([
    ['none', { kind: 'key', keys: ' , ' }, /CADENZA_MASTER_KEY has no key/],
    ['a short one', { kind: 'key', keys: 'c2hvcnQ=' }, /Key 1 of CADENZA_MASTER_KEY is not 32 bytes/],
    ['a password', { kind: 'key', keys: `${MASTER} correct-horse!` }, /Key 2 of CADENZA_MASTER_KEY/],
    ['no file', { kind: 'file', path: '/nowhere/keys' }, /cannot read the master key in \/nowhere\/keys/],
    ['a failing command', { kind: 'command', command: 'echo no entry >&2; exit 3' }, /failed \(3\): no entry/],
  ] as const)('[SEAL3] %s is refused in words, without showing it', async (_, config, reason) => {
    const refused = await openMasterKeys(config).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StartupError);
    expect((refused as Error).message).toMatch(reason);
    expect((refused as Error).message).not.toMatch(/c2hvcnQ|correct-horse/);
  });

  it('[SEAL2] an embedded database has one in the data folder, which only its user may read', async () => {
    const dataDir = await folder();
    const config = { databaseUrl: null, dataDir };
    const [made, again] = [await masterKeysOf(config), await masterKeysOf(config)];
    expect(again?.currentId).toBe(made?.currentId);
    expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(dataDir, 'master.key'), 'utf8')).trim()).toHaveLength(44);
    expect(await masterKeysOf({ databaseUrl: 'postgres://x', dataDir })).toBeNull();
  });

  it('[SEAL3] without the master key that is in use nothing starts', async () => {
    const { database, id } = await withListener();
    await database.vault.sealerOf(id);
    const { currentId } = MasterKeys.parse(MASTER, 'a test');
    for (const masterKeys of [null, MasterKeys.parse(newMasterKey(), 'a test')]) {
      await using wrong = connect(database.url, { masterKeys, connections: 1 });
      await expect(wrong.vault.checkMasters()).rejects.toThrow(currentId);
    }
    await database.vault.checkMasters();
  });

  it('[SEAL4] are rotated without writing a row anew: data keys are wrapped again, and the old one can go', async () => {
    const { database, id } = await withListener();
    const text = sealText(await database.vault.sealerOf(id), 'snow', 'x');
    const next = newMasterKey();
    const both = MasterKeys.parse(`${next},${MASTER}`, 'a test');
    const before = await database.sql<{ wrapped: Buffer }[]>`select wrapped from data_keys`;
    expect(await rewrapDataKeys(database, both)).toBe(1);
    expect(await rewrapDataKeys(database, both)).toBe(0);
    expect((await selectSealingStatus(database)).keys).toEqual([{ master: both.currentId, keys: 1 }]);
    const after = await database.sql<{ wrapped: Buffer }[]>`select wrapped from data_keys`;
    expect(after[0]?.wrapped.equals(before[0]?.wrapped ?? Buffer.of())).toBe(false);
    await using rotated = connect(database.url, { masterKeys: MasterKeys.parse(next, 'a test'), connections: 1 });
    expect(await openText(rotated.vault, text, 'x')).toBe('snow');
  });
});
