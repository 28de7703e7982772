import matches from 'no-cliches';
import { narrated, type Reading } from '../reading/reading.ts';
import { type Candidate, fact } from './candidate.ts';

/** Listed phrases that are as often meant literally, or are plain terms. */
const PLAIN = new Set(
  [
    'a far cry, acid test, ballpark figure, broken record, crash course, creature comforts, dog days, draw the line, ' +
      'eagle eye, eye for an eye, facts of life, feathered friends, force of nature, free and easy, give and take, ' +
      'hand to mouth, high and dry, hour of need, in a jam, in a pinch, in a word, in hot water, in the gutter, ' +
      'in your dreams, ivory tower, keep an eye on, law of the jungle, law of the land, lighter than air, long lost love, ' +
      'lose your temper, loved and lost, moving experience, never look back, off the wagon, off the wall, old hat, ' +
      'on a roll, on the bandwagon, on the money, on the nose, on the rocks, on the spot, on the wagon, on thin ice, ' +
      'out of pocket, out of the woods, over a barrel, over the hump, pain and suffering, pain in the, panic button, ' +
      'perfect storm, play by the rules, rank and file, red herring, rich and famous, ripe old age, running in circles, ' +
      'sad but true, second to none, start from scratch, take the bait, the same old story, this point in time, ' +
      'trial and error, under the counter, under the gun, under the same roof, under the weather, upper crust, ' +
      'vested interest, wakeup call, warm welcome, watching the clock, world weary, young and foolish, years young, ' +
      'watch your tongue, vain attempt, vain effort, bright and early, divide and conquer, burning question, ' +
      'live and learn, older and wiser, tired but happy, naked truth, crushing blow, sigh of relief, spring to life',
  ]
    .join()
    .split(', '),
);

/** Worn phrases, by the list of no-cliches. */
export function cliches(reading: Reading): Candidate[] {
  if (reading.language !== 'EN') return [];
  return narrated(reading).flatMap(({ text, start: from }) =>
    matches(text).flatMap(({ index, offset }) => {
      const phrase = text.slice(index, index + offset).trimEnd();
      const plain = phrase.toLowerCase().replace(/\s+/g, ' ');
      if (PLAIN.has(plain) || !plain.includes(' ')) return [];
      const range = { start: from + index, end: from + index + phrase.length };
      return [
        fact('CLICHE', range, plain.split(' ').length, {
          EN: `“${phrase}” is a phrase that readers have met often.`,
          ZH: `“${phrase}”是读者常见的套话。`,
        }),
      ];
    }),
  );
}
