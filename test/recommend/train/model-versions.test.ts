import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { noWeights, serialiseWeights } from '../../../src/recommend/model/weights.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening } from '../../support/listening.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
const LIST = '{ modelVersions { modelVersion isActive isKept parameters { name value } } }';
const ACTIVATE = `mutation ($version: String!) { activateModelVersion(modelVersion: $version) {
  __typename
  ... on ActivateModelVersionSuccess { version { modelVersion isActive } }
  ... on NotFoundError { id }
} }`;

/** Three trainings: the first is gone, the second is kept, the third serves. */
async function threeVersions(): Promise<Database> {
  const database = await testDatabase();
  await addTracks(database, someTracks(3));
  const weights = serialiseWeights(noWeights);
  for (const [version, kept] of [
    ['gone', null],
    ['earlier', weights],
    ['latest', weights],
  ] as const) {
    await database.sql`insert into recommender_versions (version, parameters, weights, active)
      values (${version}, '{"ridge": 50}'::jsonb, ${kept}, ${version === 'latest'})`;
  }
  return database;
}

async function open() {
  const { graphqlUrl } = await startListening({ database: await threeVersions(), config: { auth } });
  return async (role: string, query: string, variables = {}) => {
    const token = new SignJWT({ sub: 'x', roles: [role] }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
    const authorization = `Bearer ${await token.sign(new TextEncoder().encode(secret))}`;
    return ask(graphqlUrl, query, variables, { authorization });
  };
}

test('[REC13] an ADMIN activates an earlier version, and the next list uses it', async () => {
  const asked = await open();
  const serving = async () => (await asked('LISTENER', '{ recommendations(first: 1) { modelVersion } }')).data;
  expect(await serving()).toEqual({ recommendations: { modelVersion: 'latest' } });
  expect((await asked('ADMIN', ACTIVATE, { version: 'earlier' })).data).toEqual({
    activateModelVersion: {
      __typename: 'ActivateModelVersionSuccess',
      version: { modelVersion: 'earlier', isActive: true },
    },
  });
  expect(await serving()).toEqual({ recommendations: { modelVersion: 'earlier' } });
  const activations = await asked('ANALYST', '{ modelVersions { modelVersion activatedBy activatedAt } }');
  expect(activations.data).toMatchObject({
    modelVersions: [
      { modelVersion: 'latest', activatedBy: null },
      { modelVersion: 'earlier', activatedBy: 'x', activatedAt: expect.stringMatching(/^20/) as string },
      { modelVersion: 'gone', activatedBy: null, activatedAt: null },
    ],
  });
  const parameters = [{ name: 'ridge', value: '50' }];
  expect((await asked('ANALYST', LIST)).data).toEqual({
    modelVersions: [
      { modelVersion: 'latest', isActive: false, isKept: true, parameters },
      { modelVersion: 'earlier', isActive: true, isKept: true, parameters },
      { modelVersion: 'gone', isActive: false, isKept: false, parameters },
    ],
  });
});

test.each(['gone', 'never there'])(
  '[REC13] a version that is %s is not found, and nothing changes',
  async (version) => {
    const asked = await open();
    const refused = { activateModelVersion: { __typename: 'NotFoundError', id: version } };
    expect((await asked('ADMIN', ACTIVATE, { version })).data).toEqual(refused);
    expect(JSON.stringify((await asked('ADMIN', LIST)).data)).toContain('"latest","isActive":true');
  },
);

test.each(['LISTENER', 'SERVICE', 'ANALYST'])('[AUTH3] a %s cannot change the serving version', async (role) => {
  const asked = await open();
  const refused = { activateModelVersion: { __typename: 'ForbiddenError' } };
  expect((await asked(role, ACTIVATE, { version: 'earlier' })).data).toEqual(refused);
  expect(JSON.stringify((await asked('ADMIN', LIST)).data)).toContain('"latest","isActive":true');
});

test.each(['LISTENER', 'SERVICE'])('[AUTH3] a %s cannot list the versions', async (role) => {
  const asked = await open();
  expect((await asked(role, LIST)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
});
