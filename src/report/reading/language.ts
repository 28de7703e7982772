import { eld } from 'eld/extrasmall';
import type { ReportLanguage } from '../contract.ts';

/** More says nothing more about the language. */
const SAMPLE = 4_000;
const HAN = /\p{Script=Han}/gu;
const LETTER = /\p{L}/gu;
/** A Chinese text may have names and quotations in Latin letters. */
const HAN_SHARE = 0.3;

/** The language that most of a text is in. */
export function languageOf(text: string): ReportLanguage {
  const sample = text.slice(0, SAMPLE);
  const letters = sample.match(LETTER)?.length ?? 0;
  if (letters === 0) return 'OTHER';
  // Kana, which Japanese has and Chinese has not.
  if (/[\u3041-\u30ff]/.test(sample)) return 'OTHER';
  if ((sample.match(HAN)?.length ?? 0) / letters >= HAN_SHARE) return 'ZH';
  return eld.detect(sample).language === 'en' ? 'EN' : 'OTHER';
}
