import type { Draft } from '../../drafts/drafts.ts';
import { InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { characterPositions } from '../../lib/text/characters.ts';
import type { TextReport, TextSpan } from '../../report/report.ts';
import type { Context } from '../context.ts';
import { idOf } from '../global-id.ts';

export interface AnalyseArgs {
  text?: string | null;
  draftId?: string | null;
}

export async function analyseText({ text, draftId }: AnalyseArgs, context: Context): Promise<TextReport> {
  if ((text == null) === (draftId == null)) throw new InvalidInputError('Either text or draftId must be given', 'text');
  if (text != null) return reportOn(text, 'text', context);
  const draft = await readableDraft(draftId ?? '', context);
  return reportOn(draft.text, 'draftId', context);
}

/** A report on a draft as of one revision. */
export interface DraftReport {
  revision: number;
  report: TextReport;
}

export async function reportOnDraft(
  { text, sequence }: Draft,
  { reports }: Context,
  signal: AbortSignal,
): Promise<DraftReport> {
  return { revision: sequence, report: inCharacters(text, await reports.of(text, 'draftId', signal)) };
}

async function readableDraft(sent: string, { loaders }: Context): Promise<Draft> {
  const draft = await loaders.drafts.load(idOf('Draft', sent, 'draftId'));
  if (!draft) throw new NotFoundError('There is no such draft, or it is not shared with you', sent, 'draftId');
  return draft;
}

/** A report whose positions are in characters, as everywhere in the contract. */
async function reportOn(text: string, field: string, { reports, lifetime }: Context): Promise<TextReport> {
  return inCharacters(text, await reports.of(text, field, lifetime.signal));
}

function inCharacters(text: string, report: TextReport): TextReport {
  const at = characterPositions(text);
  const moved = <Range extends TextSpan>(range: Range): Range => ({
    ...range,
    start: at(range.start),
    end: at(range.end),
  });
  const { verse } = report;
  return {
    ...report,
    findings: report.findings.map((one) => ({ ...moved(one), suggestion: one.suggestion && moved(one.suggestion) })),
    mood: report.mood.map(moved),
    verse: verse && { ...verse, stanzas: verse.stanzas.map(({ lines }) => ({ lines: lines.map(moved) })) },
  };
}
