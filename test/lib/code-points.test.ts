import { expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { byCodePoint } from '../../src/lib/text/code-points.ts';

it('[REC11] property: orders texts as their bytes are ordered', () => {
  const random = randomStream(5);
  const alphabet = ['', 'a', 'Z', 'é', '坂', '\ud7ff', '\ue000', '\uffee', '𝄞', '😀'];
  const text = () => Array.from({ length: 4 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
  for (let i = 0; i < 5_000; i++) {
    const [a, b] = [text(), text()];
    expect(Math.sign(byCodePoint(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
});
