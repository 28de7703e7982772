import type { Spending } from './spending.ts';

/** Maximum number of accounts. Each uses about 200 bytes. */
const MOST_ACCOUNTS = 10_000;

/**
 * One account for each listener, whatever connections they have: a hundred streams of one listener are not a hundred budgets
 * ([COST4]). The account that was unused for longest is forgotten first, so the memory is bounded.
 */
export class ListenerAccounts {
  readonly #most: number;
  /** By the listener's id, least recently used first. */
  readonly #accounts = new Map<number, Spending>();

  constructor(most = MOST_ACCOUNTS) {
    this.#most = most;
  }

  of(listener: number, open: () => Spending): Spending {
    const account = this.#accounts.get(listener) ?? open();
    this.#accounts.delete(listener);
    this.#accounts.set(listener, account);
    for (const longestUnused of this.#accounts.keys()) {
      if (this.#accounts.size <= this.#most) break;
      this.#accounts.delete(longestUnused);
    }
    return account;
  }
}
