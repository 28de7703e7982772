import { speech } from './words.svelte.ts';

const locale = (): string => (speech.language === 'ZH' ? 'zh-Hans' : 'en');

export const percent = (share: number | null | undefined): string =>
  share == null ? '–' : new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(share);

export const whole = (number: number): string => new Intl.NumberFormat(locale()).format(number);

export const moment = (time: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));
