import type { Exclusion, Recommendation } from '../contract.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Locale } from './contract.ts';
import { trackSentenceName } from './summary.ts';

type Reasons = Readonly<Record<Exclusion, string>>;

/** Why the track is excluded. */
const ENGLISH: Reasons = {
  HEARD: 'you know it',
  HIDDEN: 'you disliked or hid it',
  EXPLICIT: 'it is explicit, which you do not want',
  FILTERED: 'it does not meet the filter',
  AVOIDED_GENRE: 'you avoid its genre',
  WITHDRAWN: 'it has been withdrawn',
  OTHER_VERSION: 'another recording of it is in the list',
};
const CHINESE: Reasons = {
  HEARD: '你已经听过',
  HIDDEN: '你不喜欢或隐藏了它',
  EXPLICIT: '它含有你不想听的露骨内容',
  FILTERED: '它不符合筛选条件',
  AVOIDED_GENRE: '你回避它的流派',
  WITHDRAWN: '它已下架',
  OTHER_VERSION: '列表中有它的另一个版本',
};
/** Why another recording excludes the track. */
const ENGLISH_OF_OTHER = (name: string): Partial<Reasons> => ({
  HEARD: `you know another recording of it, ${name}`,
  HIDDEN: `you disliked or hid another recording of it, ${name}`,
  OTHER_VERSION: `another recording of it, ${name}, is in the list`,
});
const CHINESE_OF_OTHER = (name: string): Partial<Reasons> => ({
  HEARD: `你已经听过它的另一个版本${name}`,
  HIDDEN: `你不喜欢或隐藏了它的另一个版本${name}`,
  OTHER_VERSION: `列表中有它的另一个版本${name}`,
});

export interface WhyNot {
  excludedBy: readonly Exclusion[];
  otherVersionId: number | null;
  scoreRank: number | null;
  /** The best of the tracks that score higher. Null if there is none. */
  first: Recommendation | null;
}

/** Why a track does not rank higher, in a sentence or two: what excludes it, or what outweighs it ([REC12]). */
export function whyNotSentence(
  { excludedBy, otherVersionId, scoreRank, first }: WhyNot,
  snapshot: Snapshot,
  locale: Locale,
): string {
  const above = (scoreRank ?? 1) - 1;
  const name = first ? trackSentenceName(first.trackId, snapshot, locale) : '';
  const other = otherVersionId === null ? null : trackSentenceName(otherVersionId, snapshot, locale);
  const why = first?.explanation.summary(locale) ?? '';
  if (locale === 'ZH') {
    const reasons = { ...CHINESE, ...(other !== null && CHINESE_OF_OTHER(other)) };
    if (excludedBy.length > 0) return `它不在列表中：${excludedBy.map((one) => reasons[one]).join('，')}。`;
    return first ? `有 ${above} 首得分更高，其中最高的是${name}：${why}` : '它得分最高。';
  }
  const reasons = { ...ENGLISH, ...(other !== null && ENGLISH_OF_OTHER(other)) };
  if (excludedBy.length > 0) return `It is not in the list: ${excludedBy.map((one) => reasons[one]).join(', ')}.`;
  if (!first) return 'It scores highest.';
  return `${above === 1 ? 'One track scores' : `${above} tracks score`} higher; the highest is ${name}. ${why}`;
}
