/** A text as HTML. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A description: paragraphs, with what is in backticks as code. @param link the HTML of a name that has an entry */
export function described(description: string | null | undefined, link: (name: string) => string | null): string {
  const paragraphs = (description ?? '').split(/\n\s*\n/).filter(Boolean);
  const inline = (text: string): string =>
    text
      .split('`')
      .map((part, i) => (i % 2 === 0 ? escaped(part) : `<code>${link(part) ?? escaped(part)}</code>`))
      .join('');
  return paragraphs.map((paragraph) => `<p>${inline(paragraph)}</p>`).join('');
}
