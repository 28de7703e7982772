import { dictionary } from 'cmu-pronouncing-dictionary';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVerseWords, sungWords, type VerseWords } from '../../src/verse/verse.ts';
import { syllableBreaks } from '../../src/verse/words/syllable-breaks.ts';
import { spelling } from '../../src/verse/words/word-trie.ts';

let words: VerseWords;
beforeAll(async () => {
  words = await loadVerseWords();
});

describe('[FORM9] words in syllables', () => {
  it('are parted as printed songs part them', () => {
    const line = 'Away, little river: heaven yesterday was beautiful, something rocket-rabbits';
    expect(sungWords(line, words).map((word) => word.join('·'))).toEqual([
      ...['A·way,', 'lit·tle', 'riv·er:', 'heav·en', 'yes·ter·day', 'was', 'beau·ti·ful,'],
      ...['some·thing', 'rock·et·rab·bits'],
    ]);
  });

  it('are as many as each word is said with, none of them empty', () => {
    for (let word = 0; word < words.shapes.length; word++) {
      const letters = spelling(words.trie, word);
      const said = (dictionary[letters] ?? '').split(' ').filter((sound) => /\d$/.test(sound)).length;
      const [parts = []] = sungWords(letters, words);
      expect(parts.join(''), letters).toBe(letters);
      expect(parts.length, letters).toBe(said);
      expect(
        parts.every((part) => part !== ''),
        letters,
      ).toBe(true);
    }
  });

  it('of words that the dictionary lacks are parted by their spelling', () => {
    expect(sungWords('Zarabando and 12 x', words)).toEqual([['Za', 'ra', 'ban', 'do'], ['and'], ['12'], ['x']]);
    expect(sungWords('-- — !', words)).toEqual([]);
  });

  it('each have a letter, whatever the sounds', () => {
    expect(syllableBreaks('rhythm', 'R IH1 DH AH0 M')).toHaveLength(1);
    expect(syllableBreaks('ab', 'EY1 B IY1')).toEqual([1]);
  });
});
