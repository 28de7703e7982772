import { joinsWords, SPACELESS } from '../drafts/drafts.ts';
import type { AskedFor } from './contract.ts';

type Around = Pick<AskedFor, 'task' | 'before' | 'passage' | 'after'>;

/**
 * A draft's text as it is put into a document. Of a text that is still written, these are its whole words; each time
 * they begin with what they were before.
 */
export function placedText(around: Around, text: string, isWhole: boolean): string {
  const body = bodyOf(around, text);
  const whole = isWhole ? body.trimEnd() : wholeWords(body);
  if (whole.trim() === '') return '';
  const placed = leadOf(around, whole) + whole;
  return isWhole ? placed + endOf(around, whole) : placed;
}

/** Without white space where the text has some already. */
function bodyOf({ task, before, passage }: Around, text: string): string {
  const lead = before + passage;
  return task === 'CONTINUE' && lead !== '' && !/\s$/.test(lead) ? text : text.trimStart();
}

function leadOf({ task, before, passage }: Around, whole: string): string {
  if (task === 'TUNE') return before + passage === '' || (before + passage).endsWith('\n') ? '' : '\n';
  if (task === 'CONTINUE') return '';
  if (passage !== '') return /^\s*/.exec(passage)?.[0] ?? '';
  return joinsWords(before.at(-1), whole.at(0)) ? ' ' : '';
}

function endOf({ task, passage, after }: Around, whole: string): string {
  if (task === 'TUNE') return after === '' || after.startsWith('\n') ? '' : '\n';
  if (task === 'REWRITE' && passage !== '') return /\s*$/.exec(passage)?.[0] ?? '';
  return joinsWords(whole.at(-1), after.at(0)) ? ' ' : '';
}

/** A word that is longer is no word. */
const LONGEST_WORD = 200;

/** Up to the last word that is certainly complete: white space or another word follows it. */
function wholeWords(text: string): string {
  const ended = /^[\s\S]*\S(?=\s)/.exec(text)?.[0] ?? '';
  const rest = text.slice(ended.length);
  const characters = Array.from(rest);
  const last = characters.findLastIndex((character) => SPACELESS.test(character));
  if (last >= 0) return ended + characters.slice(0, last + 1).join('');
  return rest.length > LONGEST_WORD ? text : ended;
}
