/** The row of a statement that answers with exactly one. */
export function onlyRow<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('a statement that answers with one row answered with none');
  return row;
}
