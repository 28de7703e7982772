import { describe, expect, it } from 'vitest';
import { recordingKey, songKey } from '../../src/lib/text/song-key.ts';

const song = (title: string, artist = 'Artist') => songKey(artist, title);
const recording = (title: string, artist = 'Artist') => recordingKey(artist, title);

describe('a recording and its song', () => {
  it.each([
    ['Hey Jude', 'Hey Jude - Remastered 2009'],
    ['Hey Jude', 'Hey Jude - 2009 Remaster'],
    ['Hey Jude', 'Hey Jude (Remastered) [Mono]'],
    ['Hey Jude', 'HEY JUDE (2015 Stereo Mix)'],
    ['Hey Jude', 'Hey Jude – Remastered 2009 / Mono'],
    ['Hey Jude', 'Hey Jude [Deluxe Edition]'],
    ['Hey Jude', 'Hey Jude (40th Anniversary Edition)'],
    ['Hey Jude', 'Hey Jude - 2011 Remastered Version'],
    ['Hey Jude', 'Hey Jude (Explicit)'],
    ['Ænema', 'Aenema - 2019 Digital Master'],
    ['東京', '東京 (リマスター)'],
    ['Titanium', 'Titanium (feat. Sia)'],
    ['Titanium', 'Titanium feat. Sia'],
    ['Titanium', 'Titanium (feat. Sia) [Remastered]'],
    ['Sunflower', 'Sunflower (with Swae Lee)'],
    ['Let It Go', 'Let It Go - From "Frozen"'],
    ['Let It Go', 'Let It Go (From the Motion Picture “Frozen”)'],
    ['Strobe', 'Strobe - Original Mix'],
    ['Heroes - Live', 'Heroes - Live; 2017 Remaster'],
    ['Live', 'Live - Remastered 2009'],
    ['Don’t Stop', "Don't Stop (Remastered)"],
  ])('[FIND2] are the same: %s, %s', (one, other) => {
    expect(recording(other)).toBe(recording(one));
    expect(song(other)).toBe(song(one));
  });

  it.each([
    ['Hey Jude', 'Hey Jude - Live'],
    ['Hey Jude', 'Hey Jude (Live at the BBC)'],
    ['Hey Jude', 'Hey Jude - Live, 1972'],
    ['Purple Rain', 'Purple Rain - Recorded Live at First Avenue'],
    ['Ignition', 'Ignition (Remix)'],
    ['Blue (Da Ba Dee)', 'Blue (Da Ba Dee) (Gabry Ponte Ice Pop Mix)'],
    ['Titanium', 'Titanium (feat. Sia) - Radio Edit'],
    ['All Too Well', 'All Too Well (10 Minute Version) (Taylor’s Version) (From The Vault)'],
    ['Layla', 'Layla (Acoustic; Live at MTV Unplugged)'],
    ['Layla', 'Layla - Acoustic Live'],
    ['Starman', 'Starman - Top Of The Pops Version; 2012 Remaster'],
    ['夜に駆ける', '夜に駆ける -Live Ver.-'],
    ['Take On Me', 'Take On Me - Take 3'],
    ['Construção', 'Construcao (Ao Vivo)'],
  ])('[FIND2] are one song in two recordings: %s, %s', (one, other) => {
    expect(recording(other)).not.toBe(recording(one));
    expect(song(other)).toBe(song(one));
  });

  it.each([
    ['Live', 'Remix'],
    ['Live', 'Live and Let Die'],
    ['Love', 'Love (Live Your Life)'],
    ['Dancing', 'Dancing (With Myself)'],
    ['Echoes, Pt. 1', 'Echoes, Pt. 2'],
    ['Sgt. Pepper', 'Sgt. Pepper (Reprise)'],
    ['Satisfaction', '(I Can’t Get No) Satisfaction'],
    ['Blue', 'Blue (Da Ba Dee)'],
    ['Song', 'Song - 2011'],
    ['1999', '2000'],
    ['???', '!!!'],
    ['Album', 'Album of the Year'],
    ['Anti', 'Anti-Hero'],
  ])('[FIND2] are two songs: %s, %s', (one, other) => {
    expect(song(other)).not.toBe(song(one));
    expect(recording(other)).not.toBe(recording(one));
  });

  it.each(['Live', 'Remix', '(Live)', '- Remix', 'Remastered', 'Deluxe', 'Clean', 'Feat. of Clay', 'Ft. Worth Blues'])(
    '[FIND2] a title of nothing but such words keeps them: %s',
    (title) => {
      expect(song(title).split('\n')[1]).toMatch(/\p{L}/u);
      expect(song(title)).not.toBe(song(''));
    },
  );
});

it('[FIND2] belong to an artist, whatever its spelling and guests', () => {
  expect(song('Halo', 'Beyoncé')).toBe(song('Halo', 'BEYONCE'));
  expect(recording('Love the Way You Lie', 'Eminem feat. Rihanna')).toBe(recording('Love the Way You Lie', 'Eminem'));
  expect(song('Hurt', 'Johnny Cash')).not.toBe(song('Hurt', 'Nine Inch Nails'));
  expect(song('b', 'a a')).not.toBe(song('a b', 'a'));
});

it('[FIND2] have keys short enough for an index, and distinct, however long the names are', () => {
  const [one, other] = ['I. Allegro', 'II. Adagio'].map((part) =>
    recording(`${'ﷺ'.repeat(490)}${part}`, '坂'.repeat(500)),
  );
  expect(one).not.toBe(other);
  expect(Buffer.byteLength(one ?? '')).toBeLessThan(2_000);
});

it('[FIND2] take time linear in the length of the title', () => {
  for (const title of [
    '('.repeat(500),
    '()'.repeat(250),
    ' - live'.repeat(70),
    ' feat. '.repeat(70),
    `a${')'.repeat(499)}`,
  ]) {
    expect(song(title)).toContain('\n');
  }
});
