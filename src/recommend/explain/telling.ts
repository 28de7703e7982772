import { Counter } from '../../lib/collections.ts';
import { digestOfData, type MadeFrom } from '../lists/list-id.ts';
import type { Contribution } from '../ranking/ranking.ts';
import type { TermSource } from '../taste/taste.ts';
import type { Claim } from './claims.ts';

/** Maximum number of reasons in a summary. More would make a list, not a sentence. */
const SHOWN = 3;
/** Reasons below this share of the largest are omitted, because they did not decide anything. */
const LEAST_SHARE = 0.15;
/** How often a reason is told in one list before others take its place beside the main one. */
const OFTEN_ENOUGH = 2;

/** What a summary says, in any language. */
export interface Told {
  reasons: readonly Claim[];
  objection: Claim | null;
}

interface Explained {
  contributions(): readonly Contribution[];
  claims(contribution: Contribution): readonly Claim[];
}

/**
 * What the summaries of one list say, from its first track on: each says its main reason, in words that a reader of those above has
 * not read, and beside it what is new ([REC24]). It depends on the tracks above and on nothing else.
 */
export class Telling {
  readonly #madeFrom: MadeFrom;
  readonly #explained: Explained[] = [];
  readonly #told: Told[] = [];
  /** How often each reason, each claim and each form of claim was told. */
  readonly #counts = new Counter<string>();
  #id: string | null = null;

  /** @param madeFrom identifies the list whose sentences these are */
  constructor(...madeFrom: MadeFrom) {
    this.#madeFrom = madeFrom;
  }

  get id(): string {
    return (this.#id ??= digestOfData(this.#madeFrom));
  }

  /** @returns its position in the list */
  add(explained: Explained): number {
    return this.#explained.push(explained) - 1;
  }

  at(position: number): Told {
    for (const explained of this.#explained.slice(this.#told.length, position + 1)) {
      this.#told.push(this.#tell(explained));
    }
    return this.#told[position] ?? { reasons: [], objection: null };
  }

  #tell(explained: Explained): Told {
    const all = explained.contributions();
    const largest = Math.abs(all[0]?.value ?? 0);
    const weighty = all.filter(({ value }) => Math.abs(value) >= LEAST_SHARE * largest);
    const [main, ...others] = all.filter(({ value }) => value > 0);
    const against = weighty.find(({ value, source }) => value < 0 && isObjection(source));
    const objection = (against && explained.claims(against)[0]) ?? null;
    if (!main) return { reasons: [], objection };
    const first = this.#choose(explained.claims(main));
    const isWorn = first !== undefined && this.#counts.of(claimKey(first)) >= OFTEN_ENOUGH;
    const isNew = (one: Contribution): boolean =>
      weighty.includes(one) && this.#counts.of(sourceKey(one.source)) < OFTEN_ENOUGH;
    // Where the main reason has no new words left, small reasons are better than the same sentence again.
    const beside = isWorn ? others : others.filter(isNew);
    const told = [main, ...beside].slice(0, SHOWN);
    const reasons = [first, ...told.slice(1).map((one) => this.#choose(explained.claims(one)))].flatMap(
      (claim) => claim ?? [],
    );
    for (const { source } of told) this.#counts.add(sourceKey(source));
    for (const claim of reasons) for (const key of [claimKey(claim), claim.form]) this.#counts.add(key);
    return { reasons, objection };
  }

  /** The claim that was told least, then that whose form was, then the first. */
  #choose(claims: readonly Claim[]): Claim | undefined {
    const wear = (claim: Claim): number => 100 * this.#counts.of(claimKey(claim)) + this.#counts.of(claim.form);
    return claims.reduce<Claim | undefined>(
      (best, claim) => (best && wear(best) <= wear(claim) ? best : claim),
      undefined,
    );
  }
}

/**
 * What a listener would recognise as speaking against a track. That they like another track is not, even if it lowers
 * the score.
 */
function isObjection(source: TermSource): boolean {
  if (source.kind === 'genre') return source.weight < 0;
  if (source.kind === 'unlike') return true;
  return source.kind === 'history' && ['SKIP', 'DISLIKE', 'HIDE'].includes(source.feedback);
}

const sourceKey = (source: TermSource): string =>
  source.kind === 'history' ? `history ${source.trackId}` : JSON.stringify(source);

const claimKey = (claim: Claim): string =>
  'source' in claim
    ? `${claim.form} ${sourceKey(claim.source)} ${'name' in claim ? claim.name : ''}`
    : JSON.stringify(claim);
