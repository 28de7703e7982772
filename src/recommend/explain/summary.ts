import type { FeedbackKind } from '../../listeners/listeners.ts';
import type { Locale } from '../contract.ts';
import { emptyVector, valueAt } from '../math/sparse.ts';
import { wantedWords } from '../model/request-words.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Contribution } from '../ranking/ranking.ts';
import type { TermSource } from '../taste/taste.ts';

/** How reasons are worded in one language. Clauses have no full stop and begin in lower case. */
interface Wording {
  clause(source: TermSource, index: number, snapshot: Snapshot, isFor: boolean): string;
  /** What the listener did with these tracks. */
  deed(deed: Deed, tracks: string): string;
  track(title: string, artist: string): string;
  list(items: readonly string[]): string;
  because(clauses: readonly string[]): string;
  although(sentence: string, clause: string): string;
  sentence(clause: string, isFor: boolean): string;
  nothing: string;
}

/** Maximum number of reasons in a summary. More would make a list, not a sentence. */
const SHOWN = 3;
/** Reasons below this share of the largest are omitted, because they did not decide anything. */
const LEAST_SHARE = 0.15;

/**
 * Why a track is recommended, in one sentence: the main reasons for it, and against it if they are as large ([REC3]).
 */
export function summarySentence(
  contributions: readonly Contribution[],
  index: number,
  snapshot: Snapshot,
  locale: Locale,
): string {
  const wording = wordings[locale];
  const largest = Math.abs(contributions[0]?.value ?? 0);
  const weighty = contributions.filter(({ value }) => Math.abs(value) >= LEAST_SHARE * largest);
  const reasonsFor = weighty.filter(({ value }) => value > 0).slice(0, SHOWN);
  const against = weighty.find(({ value, source }) => value < 0 && isObjection(source));
  const clauses = clausesOf(reasonsFor, index, snapshot, wording);
  const sentence = clauses.length > 0 ? wording.because(clauses) : wording.nothing;
  return against ? wording.although(sentence, wording.clause(against.source, index, snapshot, false)) : sentence;
}

/**
 * What a listener would recognise as speaking against a track. That they like another track is not, even if it lowers
 * the score.
 */
function isObjection(source: TermSource): boolean {
  if (source.kind === 'genre') return source.weight < 0;
  return source.kind === 'history' && ['SKIP', 'DISLIKE', 'HIDE'].includes(source.feedback);
}

/** One reason as a sentence. */
export function reasonSentence(
  { source, value }: Contribution,
  index: number,
  snapshot: Snapshot,
  locale: Locale,
): string {
  const wording = wordings[locale];
  return wording.sentence(wording.clause(source, index, snapshot, value > 0), value > 0);
}

/** “You liked A, B and C” reads better than three clauses. */
function clausesOf(reasons: readonly Contribution[], index: number, snapshot: Snapshot, wording: Wording): string[] {
  const told: Deed[] = [];
  return reasons.flatMap(({ source }) => {
    if (source.kind !== 'history') return [wording.clause(source, index, snapshot, true)];
    const deed = deedOf(source);
    if (told.includes(deed)) return [];
    told.push(deed);
    const done = reasons.flatMap((one) =>
      one.source.kind === 'history' && deedOf(one.source) === deed ? [one.source] : [],
    );
    return [wording.deed(deed, tracksOf(done, snapshot, wording))];
  });
}

type Deed = FeedbackKind | 'PLAY_OFTEN';
type HistorySource = Extract<TermSource, { kind: 'history' }>;

const OFTEN = 8;
const deedOf = ({ feedback, plays }: HistorySource): Deed =>
  feedback === 'PLAY' && plays >= OFTEN ? 'PLAY_OFTEN' : feedback;

const tracksOf = (sources: readonly { trackId: number }[], snapshot: Snapshot, wording: Wording): string =>
  wording.list(sources.map(({ trackId }) => trackName(trackId, snapshot, wording)));

function trackName(trackId: number, { tracks, indexOf }: Snapshot, wording: Wording): string {
  const track = tracks[indexOf.get(trackId) ?? -1];
  return track ? wording.track(track.title, track.artist) : '';
}

/** The name of a track in sentences. */
export const trackSentenceName = (trackId: number, snapshot: Snapshot, locale: Locale): string =>
  trackName(trackId, snapshot, wordings[locale]);

/** The words of a text that describe this track. The others contribute nothing to it. */
function matchedWords(text: string, index: number, { byWord }: Snapshot): string[] {
  const matched = wantedWords(text).filter(({ word }) => valueAt(byWord.get(word) ?? emptyVector, index) > 0);
  return matched.map(({ written }) => written);
}

/** The listeners of a track in the period that its popularity counts. */
function audienceOf(index: number, { tracks }: Snapshot) {
  const { recentListeners = 0, allTimeListeners = null, rejecters = 0 } = tracks[index] ?? {};
  const listeners = allTimeListeners ?? recentListeners;
  return { listeners, ofAllTime: allTimeListeners !== null, isRejected: rejecters > listeners };
}

const ENGLISH_DEEDS: Readonly<Record<Deed, (tracks: string) => string>> = {
  LIKE: (tracks) => `you liked ${tracks}`,
  SAVE: (tracks) => `you saved ${tracks}`,
  COMPLETE: (tracks) => `you heard ${tracks} to the end`,
  PLAY: (tracks) => `you played ${tracks}`,
  PLAY_OFTEN: (tracks) => `you often play ${tracks}`,
  SKIP: (tracks) => `you skipped ${tracks}`,
  DISLIKE: (tracks) => `you disliked ${tracks}`,
  HIDE: (tracks) => `you hid ${tracks}`,
};

const english: Wording = {
  clause: (source, index, snapshot, isFor) => {
    switch (source.kind) {
      case 'history':
        return english.deed(deedOf(source), tracksOf([source], snapshot, english));
      case 'genre': {
        const genre = (snapshot.genreNames.get(source.slug) ?? source.slug).toLowerCase();
        return isFor ? `you like ${genre}` : `you would rather not hear ${genre}`;
      }
      case 'artist':
        return `${snapshot.artistNames.get(source.artistId) ?? 'this artist'} is one of your artists`;
      case 'tag':
        return `you like “${source.tag}”`;
      case 'text':
        return `you wrote of ${english.list(matchedWords(source.text, index, snapshot).map((word) => `“${word}”`))}`;
      case 'context':
        return `you asked for ${english.list(matchedWords(source.text, index, snapshot).map((word) => `“${word}”`))}`;
      case 'seed':
        return `it is close to ${trackName(source.trackId, snapshot, english)}`;
      case 'freshness':
        return `you asked for what is new and it is from ${snapshot.tracks[index]?.releaseYear ?? 'lately'}`;
      case 'popularity': {
        const { listeners, ofAllTime, isRejected } = audienceOf(index, snapshot);
        if (isRejected) return 'more others reject it than listen to it';
        if (!isFor) return ofAllTime ? 'few others have listened to it' : 'few others listen to it at present';
        if (listeners === 1) return ofAllTime ? 'somebody else has listened to it' : 'somebody else listens to it';
        return ofAllTime ? `${listeners} others have listened to it` : `${listeners} others listen to it`;
      }
    }
  },
  deed: (deed, tracks) => ENGLISH_DEEDS[deed](tracks),
  // A track that stands for its artist has the artist's name.
  track: (title, artist) => (title === artist ? `“${title}”` : `“${title}” by ${artist}`),
  list: (items) => joined(items, ', ', ' and '),
  // The comma separates “A and B, and …”.
  because: (clauses) =>
    `Because ${joined(clauses, ', ', clauses.some((one) => one.includes(' and ')) ? ', and ' : ' and ')}.`,
  although: (sentence, clause) => `${sentence.slice(0, -1)}, although ${clause}.`,
  sentence: (clause) => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`,
  nothing: 'Nothing you did or said speaks for it so far.',
};

const CHINESE_DEEDS: Readonly<Record<Deed, string>> = {
  LIKE: '你喜欢',
  SAVE: '你收藏了',
  COMPLETE: '你听完了',
  PLAY: '你听过',
  PLAY_OFTEN: '你常听',
  SKIP: '你跳过了',
  DISLIKE: '你不喜欢',
  HIDE: '你隐藏了',
};

/** Chinese names of common genres. Others are named as in the catalogue. */
const CHINESE_GENRES: Readonly<Record<string, string>> = {
  ambient: '氛围音乐',
  blues: '布鲁斯',
  bossa: '波萨诺瓦',
  'bossa-nova': '波萨诺瓦',
  cantopop: '粤语流行',
  classical: '古典音乐',
  country: '乡村音乐',
  disco: '迪斯科',
  electronic: '电子音乐',
  folk: '民谣',
  funk: '放克',
  gospel: '福音音乐',
  'hip-hop': '嘻哈',
  indie: '独立音乐',
  jazz: '爵士乐',
  latin: '拉丁音乐',
  mandopop: '华语流行',
  metal: '金属乐',
  pop: '流行音乐',
  punk: '朋克',
  'r-b': '节奏布鲁斯',
  reggae: '雷鬼',
  rock: '摇滚',
  soul: '灵魂乐',
};

const chinese: Wording = {
  clause: (source, index, snapshot, isFor) => {
    switch (source.kind) {
      case 'history':
        return chinese.deed(deedOf(source), tracksOf([source], snapshot, chinese));
      case 'genre': {
        const genre = CHINESE_GENRES[source.slug] ?? snapshot.genreNames.get(source.slug) ?? source.slug;
        return isFor ? `你偏爱${genre}` : `你不太想听${genre}`;
      }
      case 'artist':
        return `${snapshot.artistNames.get(source.artistId) ?? '这位音乐人'} 是你喜欢的音乐人`;
      case 'tag':
        return `你喜欢“${source.tag}”`;
      case 'text':
        return `你提到过${chinese.list(matchedWords(source.text, index, snapshot).map((word) => `“${word}”`))}`;
      case 'context':
        return `你想听${chinese.list(matchedWords(source.text, index, snapshot).map((word) => `“${word}”`))}`;
      case 'seed':
        return `它与${trackName(source.trackId, snapshot, chinese)}相近`;
      case 'freshness':
        return `你想听新的，而它发行于 ${snapshot.tracks[index]?.releaseYear ?? '近来'} 年`;
      case 'popularity': {
        const { listeners, ofAllTime, isRejected } = audienceOf(index, snapshot);
        if (isRejected) return '不喜欢它的人比听它的人多';
        if (!isFor) return ofAllTime ? '听过它的人不多' : '近来听它的人不多';
        return ofAllTime ? `有 ${listeners} 位听众听过它` : `近来有 ${listeners} 位听众在听它`;
      }
    }
  },
  deed: (deed, tracks) => `${CHINESE_DEEDS[deed]}${tracks}`,
  track: (title, artist) => (title === artist ? `《${title}》` : `${artist} 的《${title}》`),
  list: (items) => joined(items, '、', '和'),
  because: (clauses) => `因为${joined(clauses, '，', '，而且')}。`,
  although: (sentence, clause) => `${sentence.slice(0, -1)}，尽管${clause}。`,
  sentence: (clause) => `${clause}。`,
  nothing: '目前还没有什么理由特别支持它。',
};

const wordings: Readonly<Record<Locale, Wording>> = { EN: english, ZH: chinese };

function joined(items: readonly string[], between: string, last: string): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(between)}${last}${items.at(-1) ?? ''}`;
}
