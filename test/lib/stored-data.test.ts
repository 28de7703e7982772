import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseStored, parseStoredJson, StoredDataError } from '../../src/lib/stored-data.ts';

const shape = z.object({ usage: z.object({ tokens: z.int() }), texts: z.array(z.string()) });

test('stored data of its shape is read', () => {
  expect(parseStoredJson(shape, '{"usage":{"tokens":1},"texts":["a"],"more":true}', 'a draft')).toEqual({
    usage: { tokens: 1 },
    texts: ['a'],
  });
});

test('stored data of another shape is an error that names it and each wrong field', () => {
  const reading = () => parseStored(shape, { usage: { tokens: 'many' }, texts: ['a', 7] }, 'draft 7');
  expect(reading).toThrow(StoredDataError);
  expect(reading).toThrow(/^draft 7 cannot be read: usage\.tokens: .*; texts\.1: /);
});

test('stored text that is not JSON is an error that names it', () => {
  const reading = () => parseStoredJson(shape, '{"usage":', 'draft 7');
  expect(reading).toThrow(StoredDataError);
  expect(reading).toThrow('draft 7 cannot be read: it is not JSON');
});
