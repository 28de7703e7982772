import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { exportText } from '../../src/documents/yjs/export-text.ts';
import { createDocument, docOf, push, textOf, updateBy } from '../support/documents/documents.ts';
import { startListening } from '../support/listening.ts';

const formatted = (delta: unknown[]) => {
  const doc = new Y.Doc();
  doc.getText('text').applyDelta(delta);
  const text = doc.getText('text');
  return { plain: exportText(text, 'PLAIN'), markdown: exportText(text, 'MARKDOWN'), html: exportText(text, 'HTML') };
};

describe('[DOCUMENT10] a document as text', () => {
  it('has its formatting in Markdown and HTML', () => {
    const { plain, markdown, html } = formatted([
      { insert: 'Song' },
      { insert: '\n', attributes: { header: 1 } },
      { insert: 'plain ' },
      { insert: 'bold ', attributes: { bold: true } },
      { insert: 'both', attributes: { bold: true, italic: true } },
      { insert: '\n' },
      { insert: 'one' },
      { insert: '\n', attributes: { list: 'bullet' } },
      { insert: 'two' },
      { insert: '\n', attributes: { list: 'bullet' } },
      { insert: 'here', attributes: { link: 'https://example.org/a b' } },
    ]);
    expect(plain).toBe('Song\nplain bold both\none\ntwo\nhere');
    expect(markdown).toBe('# Song\nplain **bold** ***both***\n- one\n- two\n[here](<https://example.org/a%20b>)');
    expect(html).toBe(
      '<h1>Song</h1>\n<p>plain <strong>bold </strong><em><strong>both</strong></em></p>\n<ul><li>one</li>\n<li>two</li></ul>\n' +
        '<p><a href="https://example.org/a b" rel="noopener nofollow">here</a></p>',
    );
  });

  it('has no markup of what was typed in HTML, and no address that runs', () => {
    const { html, markdown } = formatted([
      { insert: '<script>alert(1)</script> & "x"', attributes: { link: 'javascript:alert(1)', bold: true } },
      { insert: '\n', attributes: { header: '1 onload=alert(1)' } },
      { insert: 'a', attributes: { link: 'https://e.org/"onclick="alert(1)' } },
    ]);
    expect(html).not.toMatch(/<script|javascript:|onload=|"onclick/);
    expect(html).toContain('&lt;script&gt;');
    expect(markdown).not.toContain('javascript:');
  });

  it('is read over GraphQL', async () => {
    const place = await startListening();
    const id = await createDocument(place, 'one\ntwo <b>');
    await push(place, id, [updateBy(docOf(1), (text) => text.insert(0, '# '))]);
    const [plain, markdown, html] = await Promise.all(
      ['PLAIN', 'MARKDOWN', 'HTML'].map((format) => textOf(place, id, format)),
    );
    expect(plain).toBe(markdown);
    expect(html).toContain('two &lt;b&gt;');
  });
});
