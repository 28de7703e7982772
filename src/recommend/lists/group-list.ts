import type { TrackFilter } from '../../catalogue/catalogue.ts';
import { f64 } from '../../lib/typed-arrays.ts';
import type { GroupRecommendation, GroupStrategy } from '../contract.ts';
import { explain } from '../explain/explanation.ts';
import { Telling } from '../explain/telling.ts';
import { topK } from '../math/top-k.ts';
import type { Serving } from '../model/serving.ts';
import { trackAt } from '../model/snapshot.ts';
import { keepBestRecordings } from '../model/songs.ts';
import { otherVersionBit } from '../ranking/exclusions.ts';
import { Ranking } from '../ranking/ranking.ts';
import { byScore, type Scores } from '../ranking/scores.ts';
import { type Board, boardOf } from '../ranking/workspace.ts';
import type { KnownTaste } from '../taste/taste.ts';

export interface GroupMember {
  listenerId: number;
  taste: KnownTaste;
}

export interface GroupQuery {
  strategy: GroupStrategy;
  filter: TrackFilter | null;
  includeHeard: boolean;
  first: number;
}

/**
 * The tracks that suit a group best. A track suits a member by its score as a share of the score of the member's own best
 * track, since somebody with a long history has larger scores than somebody new. What any member excludes is excluded.
 */
export function groupList(
  serving: Serving,
  members: readonly GroupMember[],
  { strategy, filter, includeHeard, first }: GroupQuery,
): GroupRecommendation[] {
  const { snapshot } = serving;
  const judges = members.map(({ listenerId, taste }) => {
    const asked = { ...taste, seedTrackIds: [], contextText: null };
    const madeFrom = [listenerId, serving.neighbours.version, snapshot.state, taste, filter, strategy, includeHeard];
    const ranking = new Ranking(serving, { taste: asked, filter, includeHeard });
    return new Judge(listenerId, ranking, new Telling('group', ...madeFrom));
  });
  const board = boardOf(snapshot.tracks.length);
  board.scores.fill(strategy === 'MEAN' ? 0 : Infinity);
  for (const judge of judges) judge.addTo(board, (sum, share) => combine[strategy](sum, share, judges.length));
  keepBestRecordings(board.scores, board.excluded, snapshot.songs, otherVersionBit);
  const chosen = topK(board.scores, board.excluded, first);
  return Array.from(chosen, (index, at): GroupRecommendation => {
    const answers = judges.map((judge) => judge.on(index));
    return { trackId: trackAt(snapshot, index).id, rank: at + 1, score: f64(board.scores, index), members: answers };
  });
}

/** The members' shares of a track, added up one after the other. */
const combine: Readonly<Record<GroupStrategy, (sum: number, share: number, members: number) => number>> = {
  MEAN: (sum, share, members) => sum + share / members,
  LEAST_MISERY: (least, share) => Math.min(least, share),
};

/** A member's ranking, and what its scores are shares of. */
class Judge {
  readonly listenerId: number;
  readonly #ranking: Ranking;
  readonly #telling: Telling;
  #best = 0;

  constructor(listenerId: number, ranking: Ranking, telling: Telling) {
    this.listenerId = listenerId;
    this.#ranking = ranking;
    this.#telling = telling;
  }

  addTo({ scores: sums, excluded }: Board, add: (sum: number, share: number) => number): void {
    this.#ranking.withScores((scores: Scores) => {
      this.#best = scores.next([], 1, byScore)[0]?.score ?? 0;
      for (let index = 0; index < sums.length; index++) {
        sums[index] = add(f64(sums, index), this.#shareOf(scores.scoreOf(index)));
        // Which recording of a song is the best is for the group to say.
        excluded[index] = (excluded[index] ?? 0) | (scores.exclusionsOf(index) & ~otherVersionBit);
      }
    });
  }

  on(index: number): GroupRecommendation['members'][number] {
    const explanation = explain(this.#ranking, index, this.#telling);
    const score = explanation.baseline + explanation.remainder(0);
    return { listenerId: this.listenerId, score, share: this.#shareOf(score), explanation };
  }

  /** 1 for the member's best track, and less for others, also where all scores are below 0. */
  #shareOf(score: number): number {
    const scale = Math.abs(this.#best);
    return scale === 0 ? 1 + score : 1 - (this.#best - score) / scale;
  }
}
