import { describe, expect, it } from 'vitest';
import { BLAKE, CAFE, documents, found, only, reportOf, STORY, withAll } from '../support/report-texts.ts';

describe('findings of prose', () => {
  it('have a range, a number, a reason in both languages, and the number with the suggestion [REPORT2] [REPORT4]', () => {
    const finding = only(reportOf(CAFE), 'WORDY');
    expect(CAFE.slice(finding.start, finding.end)).toBe('In order to');
    expect(finding).toMatchObject({ value: 12, valueWithSuggestion: 10, suggestion: { text: 'To' } });
    expect(finding.reason.EN).toBe('“in order to” says no more than “to”.');
    expect(finding.reason.ZH).toContain('“to”');
  });

  it('are fillers, repeated words and long sentences, and the text without them reads right', () => {
    expect(found(CAFE, 'FILLER')).toEqual(['really', 'very', 'basically']);
    expect(found(CAFE, 'REPEATED_WORD')).toEqual(['the the']);
    expect(found(CAFE, 'LONG_SENTENCE')).toHaveLength(1);
    expect(withAll(CAFE)).toContain('I love this little café');
    expect(withAll(CAFE)).toContain('is good and the pastries');
    expect(withAll(CAFE)).toContain('the old houses and the river. It took me');
  });

  it('leave a filler that means something', () => {
    const text =
      'It is not really cold. The very idea was new. I like it very much. He is an actually good cook. Is it?';
    expect(found(text, 'FILLER')).toEqual([]);
  });

  it('are passives, but not states', () => {
    const text =
      'The house was built in 1901. He was tired. She was born in Leeds. They were gone. It is closed. We had left.';
    expect(found(text, 'PASSIVE')).toEqual(['was built']);
  });

  it('are slips of tense outside of quotations [REPORT7]', () => {
    expect(found(STORY, 'TENSE_SLIP')).toEqual(['knocks']);
    expect(only(reportOf(STORY), 'TENSE_SLIP')).toMatchObject({
      valueWithSuggestion: 100,
      suggestion: { text: 'knocked' },
    });
    expect(found(STORY, 'FILLER')).toEqual([]);
  });

  it('are the one first person of a story in the third', () => {
    const story = `${STORY} He took her hand. She took his. They gave him her lantern and their bag. I saw them.`;
    expect(found(story, 'PERSON_SLIP')).toEqual(['I']);
    expect(found(`${story} My boat was there.`, 'PERSON_SLIP')).toEqual([]);
  });

  it('are sentences of one length or one opening, and words that come back', () => {
    const even =
      'The boat left the pier. A man rowed it home. Two birds flew above it. One lamp burned in town. No dog barked that night. Three stars shone so low.';
    expect(found(even, 'EVEN_RHYTHM')).toHaveLength(1);
    expect(found('She ran home. She ate bread quickly. She slept until noon came.', 'SAME_OPENING')).toHaveLength(1);
    expect(
      found('The engine runs. An engine stops. Any engine breaks, and no engine lasts.', 'REPETITION'),
    ).toHaveLength(1);
  });

  it('are worn phrases and quotations that are not closed', () => {
    expect(found('It spread like wildfire, and we kept an eye on it.', 'CLICHE')).toEqual(['spread like wildfire']);
    expect(found('“I know, he said.\n\nShe left.', 'UNCLOSED_QUOTE')).toEqual(['“']);
    expect(found('“I know.\n\n“And you?” he said. A 12" disc.', 'UNCLOSED_QUOTE')).toEqual([]);
  });

  it('are nothing in code, tables and headings', () => {
    expect(found('# The the title\n\n```\nthe the\n```\n\n| the the |\n', 'REPEATED_WORD')).toEqual([]);
    for (const text of documents) expect(found(text, 'REPEATED_WORD')).toEqual([]);
  });

  it('are few in Chinese, and certain', () => {
    const text = '其实，我早就知道这一天会来。奶奶坐在门口，手里拿着一把旧扇子。基本上每个人都有这样的时候。';
    expect(reportOf(text)).toMatchObject({ language: 'ZH', verse: null });
    expect(found(text, 'FILLER')).toEqual(['其实', '基本上']);
    expect(withAll(text)).toBe('我早就知道这一天会来。奶奶坐在门口，手里拿着一把旧扇子。每个人都有这样的时候。');
  });

  it('need no grammar in another language', () => {
    expect(reportOf('Je suis allé au marché hier matin avec ma sœur, et nous avons acheté du pain.')).toMatchObject({
      ...{ language: 'OTHER', mood: [], findings: [] },
    });
  });
});

describe('measures', () => {
  it('are those of the text, and of the text with all suggestions [REPORT4]', () => {
    const report = reportOf(CAFE);
    expect(report.measures).toMatchObject({ words: 92, sentences: 5, dialogueShare: 0 });
    expect(report.measuresWithSuggestions).toEqual(reportOf(withAll(CAFE)).measures);
    expect(reportOf('“Yes,” she said.').measures.dialogueShare).toBe(0.375);
  });

  it('tell the arc of mood', () => {
    const { mood } = reportOf(
      `${'It was a happy, lovely, wonderful day. '.repeat(6)}${'Then a terrible war killed them. '.repeat(6)}`,
    );
    expect(mood.at(0)?.valence).toBeGreaterThan(0.5);
    expect(mood.at(-1)?.valence).toBeLessThan(-0.4);
    expect(reportOf('The food was not good at all, and nobody came to the table.').mood[0]?.valence).toBeLessThan(0);
  });
});

describe('verse', () => {
  it('has syllables and rhymes of what is certain [REPORT8]', () => {
    const { verse, findings } = reportOf(BLAKE);
    expect(verse?.stanzas.map(({ lines }) => lines.map(({ rhyme }) => rhyme).join(''))).toEqual(['AABB', 'AABB']);
    expect(verse?.stanzas[1]?.lines.map(({ syllables }) => syllables)).toEqual([7, 7, 7, 7]);
    expect(findings).toEqual([]);
    const [line] = reportOf('The zorvath blooms\nIn the old rooms\nAnd fills the air').verse!.stanzas[0]!.lines;
    expect(line?.syllables).toBeNull();
  });

  it('has a metre if the words keep one, and a stress that breaks it is found', () => {
    const line = 'A winter river under golden leaves';
    const poem = Array.from({ length: 6 }, () => line).join('\n');
    expect(reportOf(poem).verse).toMatchObject({ metre: 'IAMBIC', metreShare: 1 });
    expect(found(`${poem}\nA winter river under again leaves`, 'LINE_METRE')).toEqual(['again']);
  });

  it('has lines longer than the others, and rhymes that are broken', () => {
    const stanza = 'The light is low\nThe wind is strong\nWe have to go\nThe night is long';
    const poem = [stanza, stanza, stanza, stanza].join('\n\n');
    expect(found(poem, 'LINE_SYLLABLES')).toEqual([]);
    const odd = 'The wind is strong and very cold tonight';
    expect(found(`${poem}\n\n${stanza.replace('The wind is strong', odd)}`, 'LINE_SYLLABLES')).toEqual([odd]);
    expect(found(`${poem}\n\n${stanza.replace('long', 'red')}`, 'LINE_RHYME')).toEqual(['red']);
  });

  it('is not judged by the rules for prose [REPORT7]', () => {
    expect(found('I am very glad\nAnd really not sad\nIt was built for me\nIt was built for thee', 'FILLER')).toEqual(
      [],
    );
  });
});
