/** One opening of a model. It holds memory from when that is granted until all of it has been released. */
export interface Tenant {
  /** Whether nobody needs it now. */
  readonly idle: boolean;
  /** When it was last needed, in milliseconds. */
  readonly usedAt: number;
  /** Accepts nothing more, and releases its memory when its drafts have been written. */
  makeWay(): void;
}

/** The memory that a model needs: its weights, and a fixed amount for each slot. */
export interface Demand {
  weightBytes: number;
  slotBytes: number;
  /** Maximum number of slots. Fewer are granted if memory is short. */
  slots: number;
}

interface Lease {
  bytes: number;
  leaving: boolean;
}

interface Claim {
  tenant: Tenant;
  demand: Demand;
  grant: (slots: number) => void;
}

/**
 * One memory budget for several models. Requests are served in order. Idle models make way, the least recently used
 * first. If that is not enough, busy ones do so when their drafts have been written ([GEN16]).
 */
export class MemoryBudget {
  readonly #budget: number;
  readonly #leases = new Map<Tenant, Lease>();
  readonly #claims: Claim[] = [];

  /** @param budget in bytes */
  constructor(budget: number) {
    this.#budget = budget;
  }

  bytesOf(tenant: Tenant): number {
    return this.#leases.get(tenant)?.bytes ?? 0;
  }

  /** Calls `grant` with the number of slots when their memory is available, at once if it already is. */
  claim(tenant: Tenant, demand: Demand, grant: (slots: number) => void): void {
    this.#claims.push({ tenant, demand, grant });
    this.serve();
  }

  /** Call when the tenant's memory is free again, or when it no longer needs any. */
  release(tenant: Tenant): void {
    this.#leases.delete(tenant);
    const claim = this.#claims.findIndex((one) => one.tenant === tenant);
    if (claim >= 0) this.#claims.splice(claim, 1);
    this.serve();
  }

  /** Serves the waiting requests as far as possible. Also call it when a tenant has become idle. */
  serve(): void {
    for (let next = this.#claims[0]; next; next = this.#claims[0]) {
      const slots = this.#grantable(next.demand);
      if (slots === 0) return;
      this.#claims.shift();
      const { weightBytes, slotBytes } = next.demand;
      this.#leases.set(next.tenant, { bytes: weightBytes + slots * slotBytes, leaving: false });
      next.grant(slots);
    }
  }

  /** Asks as many tenants as necessary to make way. @returns 0 if the request must wait */
  #grantable({ weightBytes, slotBytes, slots }: Demand): number {
    const fitting = (taken: number) => Math.floor((this.#budget - taken - weightBytes) / slotBytes);
    for (const one of this.#staying(true)) if (fitting(this.#taken(false)) < slots) this.#ask(one);
    for (const one of this.#staying(false)) if (fitting(this.#taken(false)) < 1) this.#ask(one);
    const free = fitting(this.#taken(true));
    if (free >= slots) return slots;
    if ([...this.#leases].some(([tenant, { leaving }]) => leaving && tenant.idle)) return 0;
    // The only model gets a slot whatever the budget, because a wrong estimate must not block everything.
    return Math.max(0, free, this.#leases.size === 0 ? 1 : 0);
  }

  #ask(tenant: Tenant): void {
    const lease = this.#leases.get(tenant);
    if (lease) lease.leaving = true;
    tenant.makeWay();
  }

  /** Least recently used first. */
  #staying(idle: boolean): Tenant[] {
    const staying = [...this.#leases].filter(([tenant, { leaving }]) => !leaving && tenant.idle === idle);
    return staying.map(([tenant]) => tenant).sort((a, b) => a.usedAt - b.usedAt);
  }

  #taken(withLeaving: boolean): number {
    const counted = [...this.#leases.values()].filter(({ leaving }) => withLeaving || !leaving);
    return counted.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
