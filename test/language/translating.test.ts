import { describe, expect, it } from 'vitest';
import { createLanguage, type Language } from '../../src/language/language.ts';
import { InvalidInputError } from '../../src/lib/errors.ts';
import type { LanguagePair, Translation } from '../../src/ml/engine.ts';
import { markTerms, unmark } from '../../src/ml/translator/marked-text.ts';
import { translateLines } from '../../src/ml/translator/translate-lines.ts';
import { ask, startListening } from '../support/listening.ts';

const signal = new AbortController().signal;
const pairs = [
  { from: 'en', to: 'pt' },
  { from: 'es', to: 'en' },
  { from: 'pt', to: 'en' },
];

/** Says what it was asked for. Every word has the probability ½, and a glossary's terms are replaced. */
function scripted(asked: LanguagePair[] = []): Translation {
  return {
    pairs: () => pairs,
    translate(texts, { from, to, glossary }) {
      asked.push({ from, to });
      return Promise.resolve(
        texts.map((text) => {
          const missed = glossary.filter(({ source }) => text.includes(source) && source === 'lost');
          const replaced = glossary.reduce((sum, { source, target }) => sum.replaceAll(source, target), text);
          return { text: `${to}:${replaced}`, confidence: 0.5, missed };
        }),
      );
    },
  };
}

function open(translation: Translation): Language {
  const vectors = { encode: () => Promise.reject(new Error('not needed')) };
  return createLanguage({ vectors, translation, encoder: () => null, dataDir: 'nowhere' });
}

describe('translations', () => {
  it('[LANGUAGE2] keep the texts’ order, each from the language that it is in', async () => {
    const asked: LanguagePair[] = [];
    await using language = open(scripted(asked));
    const { graphqlUrl } = await startListening({ language });
    const texts = [
      'The rain falls on the roof of the house.',
      'La lluvia cae sobre el tejado de la casa.',
      'The sun shines again over the green hills.',
    ];
    const query = `query ($texts: [String!]!) { translate(texts: $texts, to: "PT") { text from to confidence missedTerms } }`;
    expect(await ask(graphqlUrl, query, { texts })).toMatchObject({
      data: {
        translate: [
          { text: `pt:${texts[0] ?? ''}`, from: 'en', to: 'pt', confidence: 0.5, missedTerms: [] },
          { text: `pt:en:${texts[1] ?? ''}`, from: 'es', to: 'pt', confidence: 0.25, missedTerms: [] },
          { text: `pt:${texts[2] ?? ''}`, from: 'en', to: 'pt', confidence: 0.5, missedTerms: [] },
        ],
      },
    });
    expect(asked).toEqual([pairs[0], pairs[1], pairs[0]]);
  });

  it('[LANGUAGE2] keep the glossary’s terms also on the way through English', async () => {
    await using language = open(scripted());
    const glossary = [
      { source: 'Rocinante', target: 'Rossinante' },
      { source: 'lost', target: 'perdido' },
    ];
    const texts = ['Rocinante corre', 'lost'];
    expect(await language.translate({ texts, from: 'es', to: 'pt', glossary }, signal)).toMatchObject([
      { text: 'pt:en:Rossinante corre', missedTerms: [] },
      { missedTerms: ['lost'] },
    ]);
  });

  it.each([
    [{ to: 'fr' }, 'to', 'no model here translates from en to fr; there are: en → pt, es → en, pt → en'],
    [{ to: 'en' }, 'to', 'to is the language of the text already: en'],
    [{ to: 'klingon' }, 'to', 'to must be a language code'],
    [{ from: null, texts: ['42'] }, 'from', 'from is needed: the language of texts.0'],
    [{ texts: [' '] }, 'texts.0', 'texts.0 must not be blank'],
    [{ texts: Array.from({ length: 6 }, () => 'x'.repeat(3_999)) }, 'texts', 'at most 20000 characters together'],
    [{ glossary: [{ source: 'a', target: ' ' }] }, 'glossary.0.target', 'must be a word or phrase'],
    [
      {
        glossary: [
          { source: 'Ann', target: 'a' },
          { source: 'ann', target: 'b' },
        ],
      },
      'glossary.1.source',
      'is there twice',
    ],
  ])('[LANGUAGE2] are refused, case %#', async (changes, field, message) => {
    const asked: LanguagePair[] = [];
    await using language = open(scripted(asked));
    const input = { texts: ['The rain'], from: 'en', to: 'pt', glossary: [], ...changes };
    const error: unknown = await language.translate(input, signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error).toMatchObject({ field, message: expect.stringContaining(message) as string });
    expect(asked).toEqual([]);
  });
});

describe('the glossary in a text', () => {
  const glossary = [
    { source: 'river', target: 'Fluss' },
    { source: 'River Bank', target: 'Ufer & mehr' },
    { source: 'a.c', target: 'x' },
  ];

  it('[LANGUAGE3] marks whole words in any case, longer terms first, and leaves the rest exactly', () => {
    const { html, terms } = markTerms('The RIVER, rivers & the <river bank>; abc a.c', glossary);
    expect(html).toBe(
      'The <b id="0">RIVER</b>, rivers &amp; the &lt;<b id="1">river bank</b>&gt;; abc <b id="2">a.c</b>',
    );
    expect(terms.map(({ target }) => target)).toEqual(['Fluss', 'Ufer & mehr', 'x']);
    // Replaced where they stand, whatever the translation put there.
    const { text, missed } = unmark(html.replace('<b id="2">a.c</b>', ''), terms);
    expect(text).toBe('The Fluss, rivers & the <Ufer & mehr>; abc ');
    expect(missed).toEqual([glossary[2]]);
  });

  it('[LANGUAGE3] counts each word’s score once, however many elements it is cut into', () => {
    const font = (sentence: number, word: number, score: number, text: string) =>
      `<font x-bergamot-sentence-index="${sentence}" x-bergamot-sentence-score="-9"><font x-bergamot-word-index="${word}" x-bergamot-word-score="${score}">${text}</font></font>`;
    const html = `${font(0, 0, -1, 'Um ')}<b id="0">${font(0, 1, -2, 'rio')}</b>${font(0, 1, -2, '.')} ${font(1, 0, -4, '&quot;A&#233;')}`;
    expect(unmark(html, [glossary[0] ?? { source: '', target: '' }])).toEqual({
      text: 'Um Fluss. "Aé',
      scores: [-1, -2, -4],
      missed: [],
    });
  });

  it('[LANGUAGE2] lines, blank lines and indents stay, and a request that has ended is not translated further', async () => {
    const lines: string[] = [];
    const ended = new AbortController();
    const translate = (html: string) => {
      lines.push(html);
      return `[${html}]`;
    };
    const text = '\n  One & two \r\n\n\tthree\n';
    expect((await translateLines(text, [], signal, translate)).text).toBe('\n  [One & two] \r\n\n\t[three]\n');
    expect(lines).toEqual(['One &amp; two', 'three']);
    const leaving = translateLines('a\nb', [], ended.signal, (html) => {
      ended.abort();
      return translate(html);
    });
    await expect(leaving).rejects.toThrow();
    expect(lines).toEqual(['One &amp; two', 'three', 'a']);
  });
});
