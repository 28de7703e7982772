import { describe, expect, it, onTestFinished } from 'vitest';
import { InvalidInputError, OverloadedError } from '../../src/lib/errors.ts';
import { createReports, type Reports, type TextReport } from '../../src/report/report.ts';
import { BLAKE, CAFE, reportOf } from '../support/report-texts.ts';

function openReports(): Reports {
  const reports = createReports();
  onTestFinished(() => reports[Symbol.asyncDispose]());
  return reports;
}

describe('the thread of reports', () => {
  it('gives the report that the text has, verse too, beside others [REPORT1] [REPORT5]', async () => {
    const reports = openReports();
    const texts = [CAFE, BLAKE, '', CAFE];
    const answers = await Promise.all(texts.map((text) => reports.of(text, 'text')));
    expect(answers).toEqual(texts.map(reportOf));
  });

  it('does not outlive its request, and goes on with the next [REPORT5]', async () => {
    const reports = openReports();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = reports.of(CAFE.repeat(100), 'text', running.signal);
    const second = reports.of(CAFE, 'text', waiting.signal);
    const third = reports.of(CAFE, 'text');
    running.abort(new Error('the client left'));
    waiting.abort(new Error('this one too'));
    await expect(first).rejects.toThrow('the client left');
    await expect(second).rejects.toThrow('this one too');
    expect(await third).toEqual(reportOf(CAFE));
  });

  it('refuses what is too long, and more texts than may wait [REPORT5] [REPORT6]', async () => {
    const reports = openReports();
    await expect(reports.of('a'.repeat(1_000_000), 'text')).rejects.toThrow(InvalidInputError);
    await expect(reports.of('x'.repeat(200_001), 'text')).rejects.toThrow('200000');
    await expect(reports.of('\ud800', 'text')).rejects.toMatchObject({ field: 'text' });
    const many = await Promise.allSettled(Array.from({ length: 40 }, () => reports.of('A text.', 'text')));
    expect(many.filter(({ status }) => status === 'rejected')).toHaveLength(8);
    for (const one of many) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(OverloadedError);
  });

  it('survives texts that are made to take long [REPORT5] [REPORT6]', { timeout: 400_000 }, async () => {
    const reports = openReports();
    for (const piece of [
      'a',
      '"',
      '(',
      '\n',
      'a ',
      'e\u0301\u0302',
      '💥',
      '\u202eא ',
      'really very ',
      'in order to ',
      '其实，',
    ]) {
      const text = piece.repeat(Math.floor(200_000 / Array.from(piece).length));
      const outcome = await reports.of(text, 'text').catch((error: unknown) => error);
      if (outcome instanceof OverloadedError) continue;
      const { findings, findingCount } = outcome as TextReport;
      expect(findings.length, piece).toBe(Math.min(500, findingCount));
    }
    expect(await reports.of(CAFE, 'text')).toEqual(reportOf(CAFE));
  });
});
