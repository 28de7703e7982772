/**
 * Folds case character by character, so that folding a text in pieces equals folding it as a whole: "É" and "é", "Σ",
 * "σ" and "ς", "ẞ" and "ss" become the same.
 */
export function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  let folded = '';
  for (const character of text) folded += character.toLowerCase().toUpperCase().toLowerCase();
  return folded;
}
