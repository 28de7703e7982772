import { createHash } from 'node:crypto';
import { foldText } from './folded-text.ts';
import { wordsText } from './search-terms.ts';

/**
 * A key that all recordings of one song by an artist share: live, remixed or cut for the radio. A list contains each
 * song at most once. At most 400 characters.
 */
export function songKey(artist: string, title: string): string {
  return keyOf(artist, title, (note) => isEdition(note) || isVersion(note));
}

/** A key that all editions of one recording share, remasters included. A live version is another recording. */
export function recordingKey(artist: string, title: string): string {
  return keyOf(artist, title, isEdition);
}

const LONGEST_KEY = 400;

function keyOf(artist: string, title: string, isLeftOut: (note: string) => boolean): string {
  const key = `${wordsText(withoutGuests(foldText(artist)))}\n${wordsText(bareTitle(foldText(title), isLeftOut))}`;
  if (key.length <= LONGEST_KEY) return key;
  // An index entry must be short, so a long key is truncated and completed with its digest.
  return `${Array.from(key).slice(0, 150).join('')}…${createHash('sha256').update(key).digest('hex')}`;
}

/**
 * The title without the notes at its end that are left out: “(…)”, “[…]” or “ - …”. A title that consists only of notes
 * keeps them.
 */
function bareTitle(title: string, isLeftOut: (note: string) => boolean): string {
  const whole = withoutGuests(title);
  const split = splitNote(whole);
  if (!split || !hasWord(split.title)) return whole;
  const note = remainingNote(split.note, isLeftOut);
  return note === '' ? bareTitle(split.title, isLeftOut) : `${split.title} (${note})`;
}

/** “live; 2012 remaster” is two notes. A remaining year belonged to the note that was left out. */
function remainingNote(note: string, isLeftOut: (note: string) => boolean): string {
  const parts = note.split(/\s*[;,/|]\s*/u);
  if (!parts.some(isLeftOut)) return note;
  const kept = parts.filter((part) => !isLeftOut(part));
  return kept.every((part) => YEAR_OR_COUNT.test(part)) ? '' : kept.join(', ');
}

const hasWord = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

/** Some sources name guests in the title, others with the artist. */
const GUESTS = /\s(?:feat|ft|featuring)(?:\.\s*|\s+)\S.*$/u;
const GUEST_NOTES = /\s*[([](?:feat|ft|featuring)[.\s][^()[\]]*[)\]]/gu;

function withoutGuests(text: string): string {
  const bare = text.replace(GUEST_NOTES, '').replace(GUESTS, '').trim();
  return hasWord(bare) ? bare : text;
}

const BRACKETS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{', '】': '【', '〉': '〈', '》': '《' };

function splitNote(title: string): { title: string; note: string } | null {
  const close = title.at(-1) ?? '';
  const open = BRACKETS[close];
  const start = open === undefined ? -1 : openingOf(title, open, close);
  if (start > 0) return { title: title.slice(0, start).trim(), note: title.slice(start + 1, -1).trim() };
  const dash = title.lastIndexOf(' -');
  if (dash <= 0) return null;
  return { title: title.slice(0, dash).trim(), note: title.slice(dash).replace(/^[\s-]+|[\s-]+$/g, '') };
}

/** The position of the bracket that opens the title's final note, or -1. */
function openingOf(title: string, open: string, close: string): number {
  let depth = 0;
  for (let i = title.length - 1; i >= 0; i--) {
    if (title[i] === close) depth++;
    else if (title[i] === open && --depth === 0) return i;
  }
  return -1;
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

/** Any of these words makes a note one about an edition … */
const EDITIONS = words(
  'remaster remasters remastered remastering remasterizado remasterizada remasterise remasterisee remasterisiert ' +
    'rimasterizzato master mastered edition reissue reissued deluxe expanded mono stereo anniversary explicit clean bonus ' +
    'album lp リマスター',
);
/** … if all its other words are among these. */
const EDITION_WORDS = words(
  'digital digitally version mix original special collectors limited super the new track tracks audio hd hi res bit khz ' +
    'year years full vinyl cd ep single only not on and in uk us international japanese japan 2cd remixed recording',
);
const YEAR_OR_COUNT = /^\d+(?:st|nd|rd|th|bit|khz)?$/u;

function isEdition(note: string): boolean {
  if (GUEST_NOTE.test(note) || SOURCE_NOTE.test(note) || ORIGINAL.test(note)) return true;
  const parts = wordsText(note).split(' ');
  return (
    parts.some((word) => EDITIONS.has(word)) &&
    parts.every((word) => EDITIONS.has(word) || EDITION_WORDS.has(word) || YEAR_OR_COUNT.test(word))
  );
}

/** “(with Swae Lee)”, but not “(With You)”. */
const GUEST_NOTE =
  /^with (?!(?:or|out|you|your|me|my|us|our|him|her|them|the|a|an|no|this|that|all|love)(?:self|selves)?\b)/u;
/** “From "Frozen"”, “From the Motion Picture …”, “From the Vault”. */
const SOURCE_NOTE = /^(?:music )?from (?:"|the (?:original |motion |vault|album|film|movie|soundtrack|series))/u;
const ORIGINAL = /^(?:the )?(?:original|main)(?: mix| version)?$/u;

const LIVE =
  /^(?:(?:recorded )?live(?: (?:at|from|in|on|@|acoustic|session|sessions|version|ver|recording|performance|take|for|bbc|unplugged|19\d\d|20\d\d)(?!\p{L}).*|\s*[^\p{L}\p{N}\s].*)?|(?:en vivo|en directo|ao vivo|dal vivo|en concert|in concert|unplugged|mtv unplugged|live版|ライブ|ライヴ|现场|現場).*)$/u;
/** The end of a note that names a version by its maker: “Joris Voorn Remix”, “Taylors Version”, “Take 3”. */
const VERSIONS =
  /(?:^|[^\p{L}\p{N}])(?:remix|rmx|mix|edit|rework|bootleg|mashup|dub|vip|version|ver|demo|demos|acoustic(?: live)?|instrumental|karaoke|a ?cappella|acapella|session|sessions|rehearsal|outtake|alternate|alternative|take|remake|re-?recorded|cover|unplugged|sped up|slowed|nightcore|8d audio)(?:[^\p{L}\p{N}]+(?:19|20)?\d\d?)?[^\p{L}\p{N}]*$/u;

const isVersion = (note: string): boolean => LIVE.test(note) || VERSIONS.test(note);
