import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import type { FeedbackKind } from '../../../src/listeners/listeners.ts';
import { startRecommending } from '../../support/recommend/recommending.ts';

const track = (externalId: string, artist = `Artist of ${externalId}`) => {
  return { externalId, title: `Title of ${externalId}`, artist, genres: ['Jazz'] };
};
/** Of external ids the first comes first among equals. */
const tracks = ['a-rejected', 'b-skipped', 'c-unheard', 'd-some', 'e-most'].map((id) => track(id));

/** Ten listeners: all hear e, four hear d, all reject a, and all skip b. */
async function listening(daysAgo: number) {
  const world = await startRecommending(tracks);
  for (let u = 0; u < 10; u++) {
    const heard: [string, FeedbackKind, number][] = [
      ['e-most', 'PLAY', daysAgo],
      ['a-rejected', u % 2 ? 'DISLIKE' : 'HIDE', daysAgo],
      ['b-skipped', 'SKIP', daysAgo],
    ];
    if (u < 4) heard.push(['d-some', 'LIKE', daysAgo]);
    await world.heard(`fan ${u}`, heard);
  }
  await world.catalogue.refreshPopularity();
  return world;
}

const popularityOf = async (world: Awaited<ReturnType<typeof listening>>) => {
  const ids = tracks.map(({ externalId }) => world.idOf(externalId));
  const found = await world.catalogue.tracksById(ids);
  return ids.map((id) => found.get(id)?.popularity);
};

describe('[CAT3] popularity', () => {
  it.each([
    ['the last 30 days', 3, 'Because 10 others listen to it.', '因为近来有 10 位听众在听它。'],
    [
      'all time where nothing was heard of late',
      2_000,
      'Because 10 others have listened to it.',
      '因为有 10 位听众听过它。',
    ],
  ])('counts %s, and says so', async (_, daysAgo, english, chinese) => {
    const world = await listening(daysAgo);
    expect(await popularityOf(world)).toEqual([0, 0, 0, 0.7, 0.9]);
    const somebody = await world.heard('somebody new', []);
    const { edges } = await world.recommender.recommend(somebody.listener.id, { diversity: 0 }, { first: 5 });
    const first = edges[0]!.node;
    expect(first.trackId).toBe(world.idOf('e-most'));
    expect([first.explanation.summary('EN'), first.explanation.summary('ZH')]).toEqual([english, chinese]);
    expect(first.explanation.reasons).toMatchObject([{ kind: 'popularity', listeners: 10, ofAllTime: daysAgo > 30 }]);
  });

  it('[CAT5] counts all time in lists of a trained model too, beside what it has learned', async () => {
    const world = await listening(2_000);
    await world.recommender.train();
    const somebody = await world.heard('somebody new', [['d-some', 'LIKE']]);
    await world.catalogue.refreshPopularity();
    const page = await world.recommender.recommend(somebody.listener.id, { diversity: 0 }, { first: 5 });
    expect(page.modelVersion).not.toBe('untrained');
    const first = page.edges[0]!.node;
    expect(first.trackId).toBe(world.idOf('e-most'));
    const reasons = first.explanation.reasons.map(({ kind }) => kind);
    expect([...reasons].sort()).toEqual(['history', 'popularity']);
    const popular = first.explanation.reasons.filter(({ kind }) => kind === 'popularity');
    expect(popular).toMatchObject([{ listeners: 10, ofAllTime: true }]);
  });

  it('[CAT5] counts all time while recent events are few, and the last 30 days from then on', async () => {
    const world = await listening(400);
    for (const name of ['x', 'y', 'z']) await world.heard(name, [['c-unheard', 'PLAY', 1]]);
    await world.heard('x', [['d-some', 'PLAY', 1]]);
    await world.catalogue.refreshPopularity();
    expect(await popularityOf(world)).toEqual([0, 0, 0.5, 0.7, 0.9]);
    // Five, one for each of the tracks.
    await world.heard('y', [['d-some', 'PLAY', 1]]);
    await world.catalogue.refreshPopularity();
    expect(await popularityOf(world)).toEqual([0, 0, 0.9, 0.7, 0]);
  });

  it.each([[1], [2_000]])(
    'what more reject than hear is last of what nobody else speaks for, after %i days',
    async (daysAgo) => {
      const world = await listening(daysAgo);
      const somebody = await world.heard('somebody new', []);
      expect(await world.list(somebody)).toEqual(['e-most', 'd-some', 'b-skipped', 'c-unheard', 'a-rejected']);
      const rejected = await world.recommender.explain(somebody.listener.id, world.idOf('a-rejected'), {});
      const summaries = ['EN', 'ZH'].map((locale) => rejected!.explanation.reasons[0]!.summary(locale as 'EN' | 'ZH'));
      expect(summaries).toEqual(['More others reject it than listen to it.', '不喜欢它的人比听它的人多。']);
    },
  );

  it('counts a listener by the last verdict, and subtracts those who reject a track from those who hear it', async () => {
    const world = await startRecommending(tracks);
    await world.heard('changed their mind', [
      ['d-some', 'DISLIKE', 3],
      ['d-some', 'LIKE', 2],
      ['e-most', 'LIKE', 3],
      ['e-most', 'HIDE', 2],
    ]);
    await world.heard('keeps playing', [
      ['e-most', 'DISLIKE', 3],
      ['e-most', 'PLAY', 2],
    ]);
    for (const name of ['one', 'two', 'three'])
      await world.heard(name, [
        ['e-most', 'PLAY', 1],
        ['c-unheard', 'PLAY', 1],
      ]);
    await world.catalogue.refreshPopularity();
    // d: 1; e: 3 − 2; c: 3.
    expect(await popularityOf(world)).toEqual([0, 0, 0.9, 0.6, 0.6]);
  });

  it('property: a new listener’s first track is never one that more listeners reject than hear', async () => {
    const many = Array.from({ length: 12 }, (_, i) => track(`t${String(i).padStart(2, '0')}`, `Artist ${i % 4}`));
    const world = await startRecommending(many);
    const random = randomStream(17);
    for (let round = 0; round < 12; round++) {
      await world.database.sql`delete from feedback`;
      const [rejecting, age] = [random(), random() < 0.5 ? 1 : 700];
      for (let u = 0; u < 6; u++) {
        const what = many.flatMap(({ externalId }): [string, FeedbackKind, number][] => {
          const kind = random() < rejecting ? 'DISLIKE' : 'PLAY';
          return random() < 0.5 ? [[externalId, kind, age]] : [];
        });
        await world.heard(`fan ${u}`, what);
      }
      await world.catalogue.refreshPopularity();
      const [first] = await world.list(await world.heard(`new ${round}`, []), { diversity: random() });
      const [{ heard, rejected } = { heard: 0, rejected: 0 }] = await world.database.sql<
        { heard: number; rejected: number }[]
      >`
        select (count(*) filter (where kind = 'PLAY'))::int as heard, (count(*) filter (where kind = 'DISLIKE'))::int as rejected
        from feedback where track_id = ${world.idOf(first!)}`;
      const [all] = await world.database.sql<{ tracks: number }[]>`
        select count(*)::int as tracks from (select track_id from feedback group by 1
          having count(*) filter (where kind = 'DISLIKE') > count(*) filter (where kind = 'PLAY')) rejected`;
      if (all!.tracks < many.length) expect(rejected).toBeLessThanOrEqual(heard);
    }
  });
});
