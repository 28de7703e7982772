/** One opening of a model: it holds memory from when that is granted until all of it is given back. */
export interface Tenant {
  /** Nobody needs it just now. */
  readonly idle: boolean;
  /** When it was last needed, in ms. */
  readonly usedAt: number;
  /** Takes nothing more, and releases its memory as soon as what it has is written. */
  makeWay(): void;
}

/** What a model takes: its weights, and so much for every draft that it writes at a time. */
export interface Demand {
  weightBytes: number;
  slotBytes: number;
  /** As many drafts at a time as there is room for, up to this. */
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
 * One memory budget for models side by side. Who asks is served in turn: the idle make way for it, the least recently used
 * first, and where that is not enough the busy ones do when they have written what they have (SPEC [GEN16]).
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

  /** Calls `grant` with so many slots when their memory is free: at once, where it is. */
  claim(tenant: Tenant, demand: Demand, grant: (slots: number) => void): void {
    this.#claims.push({ tenant, demand, grant });
    this.serve();
  }

  /** The tenant's memory is free again, or it needs none any more. */
  release(tenant: Tenant): void {
    this.#leases.delete(tenant);
    const claim = this.#claims.findIndex((one) => one.tenant === tenant);
    if (claim >= 0) this.#claims.splice(claim, 1);
    this.serve();
  }

  /** Serves those who wait as far as it can; to be called too when a tenant has become idle. */
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

  /** Asks as many to make way as it takes. @returns 0 while it has to wait */
  #grantable({ weightBytes, slotBytes, slots }: Demand): number {
    const fitting = (taken: number) => Math.floor((this.#budget - taken - weightBytes) / slotBytes);
    for (const one of this.#staying(true)) if (fitting(this.#taken(false)) < slots) this.#ask(one);
    for (const one of this.#staying(false)) if (fitting(this.#taken(false)) < 1) this.#ask(one);
    const free = fitting(this.#taken(true));
    if (free >= slots) return slots;
    if ([...this.#leases].some(([tenant, { leaving }]) => leaving && tenant.idle)) return 0;
    // A model that is alone gets a slot whatever the budget: a wrong estimate must not shut everybody out.
    return Math.max(0, free, this.#leases.size === 0 ? 1 : 0);
  }

  #ask(tenant: Tenant): void {
    const lease = this.#leases.get(tenant);
    if (lease) lease.leaving = true;
    tenant.makeWay();
  }

  /** The least recently used first. */
  #staying(idle: boolean): Tenant[] {
    const staying = [...this.#leases].filter(([tenant, { leaving }]) => !leaving && tenant.idle === idle);
    return staying.map(([tenant]) => tenant).sort((a, b) => a.usedAt - b.usedAt);
  }

  #taken(withLeaving: boolean): number {
    const counted = [...this.#leases.values()].filter(({ leaving }) => withLeaving || !leaving);
    return counted.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
