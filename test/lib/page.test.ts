import { expect, it } from 'vitest';
import { cursorEncoder, decodeCursor, encodeCursor, keyPart } from '../../src/lib/page.ts';

it('[PAGE2] cursors created in bulk equal those created one by one', () => {
  for (const list of ['', 'a', 'ab', 'abc', 'draft:97a603a6-aa01-44ae-949e-0368c12a0994', 'ü"❄']) {
    const cursorOf = cursorEncoder(list);
    for (const key of [0, 7, 10, 123, 4567, 2 ** 31 - 1]) {
      expect(cursorOf(key)).toBe(encodeCursor(list, [key]));
      expect(decodeCursor(cursorOf(key), list, [keyPart.integer])).toEqual([key]);
    }
  }
});
