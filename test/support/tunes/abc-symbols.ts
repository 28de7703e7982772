/** The symbols of tunes, as a vocabulary that was counted in a corpus has them. */
export function abcSymbols(): string[] {
  const letters = ['G,', 'A,', 'B,', ...Array.from('CDEFGABcdefgab'), "c'", "d'", "e'"];
  const lengths = ['', '2', '3', '4', '6', '8', '/', '3/', '3/2'];
  const notes = letters.flatMap((letter) => lengths.map((length) => letter + length));
  const accidentals = ['^', '_', '='].flatMap((sign) =>
    letters.flatMap((letter) => ['', '2', '/'].map((length) => sign + letter + length)),
  );
  const marks = [' ', '\n', '|', '|:', ':|', '::', '||', '|]', '|1', ':|2', '(3', '(', ')', '>', '<', '-', '{', '}'];
  const fields = [
    'R:jig',
    'R:reel',
    'M:6/8',
    'M:C|',
    'M:C',
    'M:2/4',
    'M:3/4',
    'M:9/8',
    'L:1/8',
    'L:1/16',
    'K:G',
    'K:D',
  ];
  return [...marks, '~', '.', 'T', ...['z', 'z2', 'z4'], ...fields, ...notes, ...accidentals];
}
