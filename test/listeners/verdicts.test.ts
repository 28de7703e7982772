import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import type { FeedbackKind, Verdict, Viewer } from '../../src/listeners/listeners.ts';
import { currentReactions } from '../../src/recommend/taste/strengths.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { type Recommending, startRecommending } from '../support/recommend/recommending.ts';

const FEEDBACK = 'viewerFeedback { reaction isSaved isHidden lastPlayedAt playCount }';
const untouched = { reaction: null, isSaved: false, isHidden: false, lastPlayedAt: null, playCount: 0 };

const tracks = Array.from({ length: 12 }, (_, i) => ({
  externalId: `t${String(i).padStart(2, '0')}`,
  title: `Title ${i}`,
  artist: `Artist ${i}`,
  genres: [i % 2 === 0 ? 'Jazz' : 'Rock'],
}));

const verdicts: Verdict[] = [
  { dimension: 'REACTION', kind: 'LIKE' },
  { dimension: 'REACTION', kind: 'DISLIKE' },
  { dimension: 'SAVED', kind: 'SAVE' },
  { dimension: 'HIDDEN', kind: 'HIDE' },
];
const takenBack = ({ dimension }: Verdict): Verdict => ({ dimension, kind: null });

async function start(): Promise<Recommending & { ann: Viewer; say: (i: number, verdict: Verdict) => Promise<void> }> {
  const world = await startRecommending(tracks);
  const ann = await world.heard('ann', []);
  const say = (i: number, verdict: Verdict) =>
    world.listeners.setVerdict(ann, { trackId: world.idOf(tracks[i]!.externalId), ...verdict });
  return { ...world, ann, say };
}

const feedbackOf = async ({ listeners, idOf, ann }: Awaited<ReturnType<typeof start>>, i: number) =>
  (await listeners.viewerFeedback(ann.listener.id, [idOf(tracks[i]!.externalId)])).get(idOf(tracks[i]!.externalId));

describe('what a listener says of a track', () => {
  it('[FB6] is one state for each of reaction, saved and hidden, and repeating it changes nothing', async () => {
    const server = await startListening();
    const { ids } = await addTracks(server.database, someTracks(3));
    const id = encodeId('Track', ids[0]!);
    const say = async (call: string) => {
      const success = `${call.charAt(0).toUpperCase()}${call.slice(1, call.indexOf('('))}Success`;
      const document = `mutation ($id: ID!) { said: ${call} { ... on Error { message } ... on ${success} { track { id ${FEEDBACK} } } } }`;
      const { data, errors } = await ask(server.graphqlUrl, document, { id });
      expect(errors).toBeUndefined();
      return (data as { said: { track: { viewerFeedback: unknown } } }).said.track.viewerFeedback;
    };
    const liked = { ...untouched, reaction: 'LIKE' };
    expect(await say('setReaction(trackId: $id, reaction: LIKE)')).toEqual(liked);
    expect(await say('setReaction(trackId: $id, reaction: LIKE)')).toEqual(liked);
    expect(await say('setSaved(trackId: $id, saved: true)')).toEqual({ ...liked, isSaved: true });
    expect(await say('setSaved(trackId: $id, saved: true)')).toEqual({ ...liked, isSaved: true });
    expect(await say('setHidden(trackId: $id, hidden: true)')).toEqual({ ...liked, isSaved: true, isHidden: true });
    expect(await say('setHidden(trackId: $id, hidden: false)')).toEqual({ ...liked, isSaved: true });
    expect(await say('setReaction(trackId: $id, reaction: DISLIKE)')).toMatchObject({
      reaction: 'DISLIKE',
      isSaved: true,
    });
    expect(await say('setReaction(trackId: $id, reaction: null)')).toEqual({ ...untouched, isSaved: true });
    expect(await say('setReaction(trackId: $id)')).toEqual({ ...untouched, isSaved: true });
    expect(await say('setSaved(trackId: $id, saved: false)')).toEqual(untouched);
    // The log has each change once, and nothing of what was taken back is gone from it.
    const { data } = await ask(server.graphqlUrl, '{ viewer { feedback(first: 10) { nodes { kind track { id } } } } }');
    const { nodes } = (data as { viewer: { feedback: { nodes: { kind: string }[] } } }).viewer.feedback;
    expect(nodes.map(({ kind }) => kind)).toEqual(['DISLIKE', 'HIDE', 'SAVE', 'LIKE']);
  });

  it('[FB6] two of them in one operation each return what then holds, and tracks of a list have theirs', async () => {
    const server = await startListening();
    const { ids } = await addTracks(server.database, someTracks(3));
    const id = encodeId('Track', ids[1]!);
    const { data } = await ask(
      server.graphqlUrl,
      `mutation ($id: ID!) {
        a: setReaction(trackId: $id, reaction: LIKE) { ... on SetReactionSuccess { track { ${FEEDBACK} } } }
        b: setSaved(trackId: $id, saved: true) { ... on SetSavedSuccess { track { ${FEEDBACK} } } }
        c: recordFeedback(input: { trackId: $id, kind: PLAY, at: "2026-01-02T03:04:05Z" }) { ... on RecordFeedbackSuccess { feedback { track { ${FEEDBACK} } } } }
      }`,
      { id },
    );
    const liked = { ...untouched, reaction: 'LIKE' };
    const played = { lastPlayedAt: '2026-01-02T03:04:05.000Z', playCount: 1 };
    expect(data).toEqual({
      a: { track: { viewerFeedback: liked } },
      b: { track: { viewerFeedback: { ...liked, isSaved: true } } },
      c: { feedback: { track: { viewerFeedback: { ...liked, isSaved: true, ...played } } } },
    });
    const found = await ask(server.graphqlUrl, `{ tracks(orderBy: TITLE) { nodes { ${FEEDBACK} } } }`);
    const { nodes } = (found.data as { tracks: { nodes: { viewerFeedback: unknown }[] } }).tracks;
    expect(nodes.map(({ viewerFeedback }) => viewerFeedback)).toEqual([
      untouched,
      { ...liked, isSaved: true, ...played },
      untouched,
    ]);
  });

  it('[FB12] lists the tracks of each mark as their viewerFeedback says, the latest first, page by page', async () => {
    const world = await start();
    const random = randomStream(3);
    for (let n = 0; n < 60; n++) {
      const verdict = verdicts[Math.floor(random() * verdicts.length)]!;
      const i = Math.floor(random() * tracks.length);
      await world.say(i, random() < 0.3 ? takenBack(verdict) : verdict);
    }
    const ids = tracks.map(({ externalId }) => world.idOf(externalId));
    const known = await world.listeners.viewerFeedback(world.ann.listener.id, ids);
    const holds = {
      LIKED: (id: number) => known.get(id)?.reaction === 'LIKE',
      DISLIKED: (id: number) => known.get(id)?.reaction === 'DISLIKE',
      SAVED: (id: number) => known.get(id)?.isSaved === true,
      HIDDEN: (id: number) => known.get(id)?.isHidden === true,
    };
    for (const mark of ['LIKED', 'DISLIKED', 'SAVED', 'HIDDEN'] as const) {
      const listed: { trackId: number; at: number }[] = [];
      for (let after: string | null = null; ;) {
        const page = await world.listeners.markedTracks(world.ann.listener.id, { mark, first: 2, after });
        listed.push(...page.edges.map(({ node }) => node));
        expect(await page.total()).toBe(ids.filter(holds[mark]).length);
        if (!page.hasNextPage) break;
        after = page.edges.at(-1)!.cursor;
      }
      expect(listed.map(({ trackId }) => trackId).sort()).toEqual(ids.filter(holds[mark]).sort());
      expect(listed.map(({ at }) => at)).toEqual(listed.map(({ at }) => at).sort((a, b) => b - a));
    }
  });

  it('[FB4] the reaction that counts is the latest verdict, else the latest event', () => {
    const of = (...rows: readonly (readonly [kind: FeedbackKind, at: number])[]) =>
      currentReactions(rows.map(([kind, at]) => ({ trackId: 1, kind, at, plays: 1 }))).map(({ kind }) => kind);
    expect(of(['LIKE', 1], ['DISLIKE', 2], ['PLAY', 3])).toEqual(['DISLIKE']);
    expect(of(['PLAY', 1], ['SKIP', 2])).toEqual(['SKIP']);
    expect(of(['HIDE', 3], ['SAVE', 4], ['LIKE', 2])).toEqual(['SAVE']);
  });

  it.each(verdicts)(
    '[FB7] $kind that is taken back is so in the next list, whatever was recorded before',
    async (verdict) => {
      const world = await start();
      const { ann, say, listeners, idOf, list } = world;
      const before = await list(ann);
      const event = { trackId: idOf('t03'), kind: verdict.kind! };
      // By events alone, some from a clock that runs ahead, and then as a state.
      const ahead = new Date(Date.now() + 60_000);
      await listeners.recordBatch(ann, [event, { ...event, at: ahead }, { ...event, at: new Date('2020-01-01') }]);
      expect(await list(ann)).not.toEqual(before);
      await say(3, takenBack(verdict));
      expect(await list(ann)).toEqual(before);
      expect(await feedbackOf(world, 3)).toBeUndefined();
      // What an import brings of a time before that does not bring it back.
      await listeners.record(ann, { ...event, at: new Date('2021-01-01') });
      expect(await list(ann)).toEqual(before);
      await say(3, verdict);
      const said = await list(ann);
      expect(said).not.toEqual(before);
      await say(3, takenBack(verdict));
      expect(await list(ann)).toEqual(before);
      // What is recorded afterwards counts.
      await listeners.record(ann, { ...event, at: ahead });
      expect(await list(ann)).toEqual(said);
    },
  );

  it('[FB7] what is taken back leaves the other dimensions as they are', async () => {
    const world = await start();
    const { ann, say, list } = world;
    await say(2, verdicts[0]!);
    const liked = await list(ann);
    await say(2, verdicts[2]!);
    await say(2, verdicts[3]!);
    await say(2, takenBack(verdicts[3]!));
    await say(2, takenBack(verdicts[2]!));
    expect(await list(ann)).toEqual(liked);
    expect(await feedbackOf(world, 2)).toMatchObject({ reaction: 'LIKE', isSaved: false, isHidden: false });
  });

  it('[FB6] a hidden track is hidden until that is taken back, or it is liked or saved', async () => {
    const world = await start();
    const { ann, say, list } = world;
    await say(2, verdicts[0]!);
    await say(2, verdicts[3]!);
    expect(await feedbackOf(world, 2)).toMatchObject({ reaction: 'LIKE', isHidden: true });
    expect(await list(ann, { includeHeard: true })).not.toContain('t02');
    await say(2, verdicts[2]!);
    expect(await feedbackOf(world, 2)).toMatchObject({ reaction: 'LIKE', isSaved: true, isHidden: false });
    expect(await list(ann, { includeHeard: true })).toContain('t02');
    await say(2, verdicts[3]!);
    expect(await feedbackOf(world, 2)).toMatchObject({ isHidden: true });
  });

  it('[FB7] removing the feedback of a state takes the state back', async () => {
    const world = await start();
    const { ann, say, listeners, list } = world;
    const before = await list(ann);
    await listeners.record(ann, { trackId: world.idOf('t05'), kind: 'LIKE' });
    await say(5, verdicts[2]!);
    await say(5, takenBack(verdicts[0]!));
    const { edges } = await listeners.feedback(ann.listener.id, { first: 1, kinds: ['SAVE'] });
    await listeners.remove(ann, edges[0]!.node.id);
    expect(await list(ann)).toEqual(before);
  });

  it('[FB7] counts for training and popularity as long as it stands', async () => {
    const { listeners, catalogue, idOf, heard } = await start();
    const fans = await Promise.all(['bob', 'cem', 'dan'].map((name) => heard(name, [['t01', 'LIKE']])));
    const popularity = async () => {
      await catalogue.refreshPopularity();
      return (await catalogue.tracksById([idOf('t01')])).get(idOf('t01'))!.popularity;
    };
    expect(await popularity()).toBeGreaterThan(0.5);
    for (const fan of fans) await listeners.setVerdict(fan, { trackId: idOf('t01'), ...takenBack(verdicts[0]!) });
    expect(await popularity()).toBe(0);
  });

  it('[ATTR2] belongs to the list that it names; a like that was taken back is a click and no like', async () => {
    const { ann, listeners, recommender, database } = await start();
    const { requestId, edges } = await recommender.recommend(ann.listener.id, {}, { first: 3 });
    const [liked, saved] = edges.map(({ node }) => node.trackId);
    await listeners.setVerdict(ann, { trackId: liked!, requestId, dimension: 'REACTION', kind: 'LIKE' });
    await listeners.setVerdict(ann, { trackId: saved!, requestId, dimension: 'SAVED', kind: 'SAVE' });
    await expect.poll(async () => (await database.sql`select from recommendation_lists`).length).toBe(1);
    expect((await recommender.analytics({})).totals).toMatchObject({ impressions: 3, clicks: 2, likes: 2 });
    await listeners.setVerdict(ann, { trackId: liked!, dimension: 'REACTION', kind: 'DISLIKE' });
    expect((await recommender.analytics({})).totals).toMatchObject({ clicks: 2, likes: 1, rejections: 0 });
  });

  it('[FB8] plays are counted once, whether they are told by their beginning, their end or both', async () => {
    const world = await start();
    const { ann, listeners, idOf } = world;
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const told = (kind: FeedbackKind, minute: number) => ({ trackId: idOf('t04'), kind, at: at(minute) });
    await listeners.recordBatch(ann, [told('PLAY', 0), told('COMPLETE', 4)]);
    expect(await feedbackOf(world, 4)).toMatchObject({ playCount: 1, lastPlayedAt: at(4) });
    await listeners.recordBatch(ann, [
      told('PLAY', 5),
      told('COMPLETE', 200),
      told('COMPLETE', 204),
      told('SKIP', 300),
    ]);
    expect(await feedbackOf(world, 4)).toMatchObject({ playCount: 4, lastPlayedAt: at(204), reaction: null });
  });

  it('[FB6] of many at once, the last holds and each is in the log at most once', async () => {
    const world = await start();
    const { ann, say, listeners } = world;
    await Promise.all(Array.from({ length: 8 }, () => say(1, verdicts[0]!)));
    expect(await (await listeners.feedback(ann.listener.id, { first: 1 })).total()).toBe(1);
    expect(await feedbackOf(world, 1)).toMatchObject({ reaction: 'LIKE' });
  });
});
