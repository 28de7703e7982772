/**
 * The date of every prompt: Wednesday, 1 January 2025, at midnight. Some templates print the date, but a text must
 * depend only on model, messages and sampling ([GEN1]).
 */
const directives: Readonly<Record<string, string>> = {
  ...{ Y: '2025', y: '25', C: '20', G: '2025', m: '01', B: 'January', b: 'Jan', h: 'Jan', d: '01', e: ' 1', j: '001' },
  ...{ A: 'Wednesday', a: 'Wed', u: '3', w: '3', U: '00', W: '00', V: '01' },
  ...{ H: '00', I: '12', M: '00', S: '00', f: '000000', p: 'AM', Z: '', z: '', s: '1735689600' },
  ...{ D: '01/01/25', x: '01/01/25', F: '2025-01-01', T: '00:00:00', X: '00:00:00', R: '00:00', r: '12:00:00 AM' },
  ...{ c: 'Wed Jan  1 00:00:00 2025', n: '\n', t: '\t', '%': '%' },
};

/**
 * Formats that date with the directives of C's `strftime`; `%-d` has no leading zeros. Anything that is not a directive
 * is kept.
 */
export function strftime(format: string): string {
  return format.replace(/%(-?)([A-Za-z%])/g, (all, dash: string, directive: string) => {
    const text = directives[directive];
    if (text === undefined) return all;
    return dash === '' ? text : text.replace(/^[0 ]+(?=.)/, '');
  });
}
