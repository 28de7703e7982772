import { slugOf } from '../../lib/text/folded-text.ts';
import type { Snapshot } from '../model/snapshot.ts';
import {
  type AboutAudience,
  type Deed,
  deedOf,
  feelsOf,
  inOneList,
  matchedWords,
  nearestNames,
  type Stated,
  trackName,
  tracksNamed,
  type Wording,
} from './wording.ts';

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

const genreName = (slug: string, { genreNames }: Snapshot): string =>
  CHINESE_GENRES[slug] ?? genreNames.get(slug) ?? slug;

function stated({ source, isFor }: Stated, index: number, snapshot: Snapshot): string {
  switch (source.kind) {
    case 'genre': {
      const genre = genreName(source.slug, snapshot);
      return isFor ? `你偏爱${genre}` : `你不太想听${genre}`;
    }
    case 'artist':
      return `${snapshot.artistNames.get(source.artistId) ?? '这位音乐人'} 是你喜欢的音乐人`;
    case 'tag':
      return `你喜欢“${source.tag}”`;
    case 'text':
      return `你提到过${wordsOf(source.text, index, snapshot)}`;
    case 'context':
      return `你想听${wordsOf(source.text, index, snapshot)}`;
    case 'meaning': {
      const near = chinese.list(nearestNames(source, index, snapshot).map((name) => `“${name}”`));
      if (source.of === 'mood') return `它的${near}与你的草稿的情绪（${source.text}）相合`;
      return `你${source.of === 'context' ? '想听' : '提到过'}“${source.text}”，而它的${near}与此相近`;
    }
    case 'feel': {
      const { own, asked } = feelsOf(source, index, snapshot);
      return `它的愉悦度与能量（${own}）与你的草稿的情绪（${asked}）相近`;
    }
    case 'seed':
      return `它与${trackName(source.trackId, snapshot, chinese)}相近`;
    case 'unlike':
      return `你想少听与${trackName(source.trackId, snapshot, chinese)}相近的`;
    case 'session':
      return `你${source.ago === 0 ? '刚刚' : '不久前'}听了${trackName(source.trackId, snapshot, chinese)}`;
    case 'freshness':
      return `你想听新的，而它发行于 ${snapshot.tracks[index]?.releaseYear ?? '近来'} 年`;
  }
}

const wordsOf = (text: string, index: number, snapshot: Snapshot): string =>
  chinese.list(matchedWords(text, index, snapshot).map((word) => `“${word}”`));

function audience(claim: AboutAudience, snapshot: Snapshot): string {
  const { ofAllTime } = claim;
  switch (claim.form) {
    case 'audience':
      return ofAllTime ? `有 ${claim.listeners} 位听众听过它` : `近来有 ${claim.listeners} 位听众在听它`;
    case 'genreRank': {
      const genre = genreName(claim.genre, snapshot);
      const when = ofAllTime ? '' : '近来';
      return claim.above === 0
        ? `${when}${genre}里没有更多人听的`
        : `${when}${genre}里只有 ${claim.above} 首有更多人听`;
    }
    case 'wellKnown':
      return ofAllTime ? '听过它的人比多数曲目多' : '近来听它的人比多数曲目多';
    case 'heardByOthers':
      return ofAllTime ? '也有人听过它' : '近来也有人在听它';
    case 'heardByFew':
      return ofAllTime ? '听过它的人不多' : '近来听它的人不多';
  }
}

export const chinese: Wording = {
  clause: (claim, index, snapshot) => {
    switch (claim.form) {
      case 'stated':
        return stated(claim, index, snapshot);
      case 'rejected':
        return '不喜欢它的人比听它的人多';
      case 'deed':
      case 'sameArtist':
      case 'sharedGenre':
      case 'sharedTag': {
        const deed = chinese.deed(deedOf(claim.source), tracksNamed([claim.source], snapshot, chinese));
        if (claim.form === 'deed') return deed;
        if (claim.form === 'sameArtist') return `${deed}，这也是 ${claim.name} 的作品`;
        return claim.form === 'sharedTag'
          ? `${deed}，两首都是“${claim.name}”`
          : `${deed}，两首都属于${genreName(slugOf(claim.name), snapshot)}`;
      }
      case 'sameListeners':
        return `听${trackName(claim.source.trackId, snapshot, chinese)}的人也听它`;
      case 'justHeard': {
        const heard = trackName(claim.source.trackId, snapshot, chinese);
        return `你${claim.age === 0 ? '刚刚' : '不久前'}听了${heard}，其后也有人听它`;
      }
      case 'audience':
      case 'genreRank':
      case 'wellKnown':
      case 'heardByOthers':
      case 'heardByFew':
        return audience(claim, snapshot);
    }
  },
  deed: (deed, tracks) => `${CHINESE_DEEDS[deed]}${tracks}`,
  track: (title, artist) => (title === artist ? `《${title}》` : `${artist} 的《${title}》`),
  list: (items) => inOneList(items, '、', '和'),
  because: (clauses) => `因为${inOneList(clauses, '，', '，而且')}。`,
  although: (sentence, clause) => `${sentence.slice(0, -1)}，尽管${clause}。`,
  sentence: (clause) => `${clause}。`,
  nothing: '目前还没有什么理由特别支持它。',
};
