import { describe, expect, it } from 'vitest';
import { requestWords } from '../../src/recommend/model/request-words.ts';
import { addTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { startRecommending } from '../support/recommend/recommending.ts';

const tracks = [
  ['Sound of Music', 'Rodgers', 'Musical', 'show tune'],
  ['Iron Music', 'Smith', 'Metal', 'loud'],
  ['Night Train', 'Peterson', 'Jazz', 'piano'],
  ['Morning Run', 'Fell', 'Electronic', 'running'],
].map(([title, artist, genre, tag], i) => {
  return { externalId: `t${i}`, title: title!, artist: artist!, genres: [genre!], tags: [tag!] };
});

const used = (text: string, use: string) => requestWords(text).flatMap((word) => (word.use === use ? [word.word] : []));

describe('[WORDS1] words of a request', () => {
  it.each([
    ['not metal', [], ['metal']],
    ['jazz, not metal', ['jazz'], ['metal']],
    ['not metal but jazz', ['jazz'], ['metal']],
    ['anything but metal', [], ['metal']],
    ['nothing but jazz', ['jazz'], []],
    ['not only jazz', ['jazz'], []],
    ['no metal or punk. slow jazz', ['slow', 'jazz'], ['metal', 'punk']],
    ['no metal for running', ['running'], ['metal']],
    ['not for running', [], ['running']],
    ['piano without vocals', ['piano'], ['vocals']],
    ['I don’t want metal', [], ['metal']],
    ['I do not like metal', [], ['metal']],
    ['can’t stand metal', [], ['metal']],
    ['everything except metal and rock', [], ['metal', 'rock']],
    ['Don’t Stop Believin’', ['dont', 'stop', 'believin'], []],
    ['Stand by Me', ['stand'], []],
    ['metal, but no loud metal', [], ['loud', 'metal']],
    ['不要金属', [], ['金属']],
    ['不是金属，而是爵士', ['爵士'], ['金属']],
    ['music for running', ['running'], []],
    ['please play some really good songs with piano', ['good', 'piano'], []],
  ])('“%s” wants %j and does not want %j', (text, wanted, negated) => {
    expect(used(text, 'WANTED')).toEqual(wanted);
    expect(used(text, 'NEGATED').toSorted()).toEqual(negated.toSorted());
  });

  it.each(['not metal', 'music', 'some music, no metal please', '不要 metal'])(
    '“%s” speaks for no track, asked for now or stated once',
    async (text) => {
      const { recommender, listeners, ...world } = await startRecommending(tracks);
      const { listener } = await world.heard('ann', []);
      const reasons = async (query: object) => {
        const { edges } = await recommender.recommend(listener.id, query, { first: 10 });
        return edges.flatMap(({ node }) => node.explanation.reasons.map(({ kind }) => kind));
      };
      expect(await reasons({ context: { text } })).not.toContain('preference');
      await listeners.setPreferences(listener.id, { text });
      expect(await reasons({})).not.toContain('preference');
      await listeners.setPreferences(listener.id, { text: 'metal' });
      expect(await reasons({})).toContain('preference');
    },
  );
});

describe('[WORDS2] the answer', () => {
  it('says which words matched and which did not, on every page', async () => {
    const database = await testDatabase();
    await addTracks(database, tracks);
    const server = await startListening({ database });
    const page = async (after: string | null) => {
      const query = `query ($after: String) { recommendations(first: 1, after: $after, context: { text: "Slow jazz PIANO for running, not metal" }) {
        contextWords { text match } pageInfo { endCursor } nodes { explanation { summary } } } }`;
      const { data, errors } = await ask(server.graphqlUrl, query, { after });
      expect(errors).toBeUndefined();
      return (data as { recommendations: { contextWords: unknown; pageInfo: { endCursor: string }; nodes: unknown } })
        .recommendations;
    };
    const first = await page(null);
    expect(first.contextWords).toEqual([
      { text: 'slow', match: 'UNMATCHED' },
      { text: 'jazz', match: 'MATCHED' },
      { text: 'piano', match: 'MATCHED' },
      { text: 'for', match: 'IGNORED' },
      { text: 'running', match: 'MATCHED' },
      { text: 'not', match: 'IGNORED' },
      { text: 'metal', match: 'NEGATED' },
    ]);
    expect(first.nodes).toEqual([{ explanation: { summary: 'Because you asked for “jazz” and “piano”.' } }]);
    expect((await page(first.pageInfo.endCursor)).contextWords).toEqual(first.contextWords);
    const { data } = await ask(server.graphqlUrl, '{ recommendations(first: 1) { contextWords { text } } }');
    expect(data).toEqual({ recommendations: { contextWords: [] } });
  });
});
