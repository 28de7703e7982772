import { OverloadedError } from '../lib/errors.ts';

/** A model that takes memory while it is awake. */
export interface Tenant {
  readonly name: string;
  /** Nobody needs it just now. */
  readonly idle: boolean;
  /** When it was last needed, in ms. */
  readonly usedAt: number;
  /** Gives its memory back; resolves when it is free. */
  sleep(): Promise<void>;
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
  slots: number;
}

const RETRY_MS = 1_000;

/** One memory budget for models side by side: who is idle goes to sleep for who is needed, the least recently used first. */
export class ModelMemory {
  readonly #budget: number;
  readonly #leases = new Map<Tenant, Lease>();
  /** Memory that tenants are giving back. */
  #leaving: Promise<unknown> = Promise.resolve();

  /** @param budget in bytes */
  constructor(budget: number) {
    this.#budget = budget;
  }

  bytesOf(tenant: Tenant): number {
    return this.#leases.get(tenant)?.bytes ?? 0;
  }

  /**
   * Reserves memory at once; it may be used when `free` resolves.
   * @throws OverloadedError when not even one draft fits beside the models that are at work
   */
  claim(tenant: Tenant, { weightBytes, slotBytes, slots }: Demand): { slots: number; free: Promise<unknown> } {
    const fitting = () => Math.floor((this.#budget - this.#taken() - weightBytes) / slotBytes);
    for (const idle of this.#idleTenants()) if (fitting() < slots) this.#evict(idle);
    // A model that is alone gets a slot whatever the budget: a wrong estimate must not shut everybody out.
    const granted = Math.min(slots, Math.max(fitting(), this.#leases.size === 0 ? 1 : 0));
    if (granted < 1)
      throw new OverloadedError(`there is no memory for ${tenant.name} beside the models at work`, RETRY_MS);
    this.#leases.set(tenant, { bytes: weightBytes + granted * slotBytes, slots: granted });
    return { slots: granted, free: this.#leaving };
  }

  release(tenant: Tenant): void {
    this.#leases.delete(tenant);
  }

  #evict(tenant: Tenant): void {
    this.release(tenant);
    this.#leaving = Promise.all([this.#leaving, tenant.sleep()]);
  }

  #idleTenants(): Tenant[] {
    return [...this.#leases.keys()].filter(({ idle }) => idle).sort((a, b) => a.usedAt - b.usedAt);
  }

  #taken(): number {
    return [...this.#leases.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
