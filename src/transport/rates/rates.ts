import type { IncomingMessage } from 'node:http';
import type { RateConfig } from '../../config.ts';
import type { RateStore } from '../../db/queries/rate-limits.ts';
import { RateLimitedError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { accountOf, isVisitor, may, type Viewer } from '../../listeners/listeners.ts';
import { type AddressOf, createAddressOf, createIsProxied } from './address.ts';
import { OpenConnections } from './open-connections.ts';
import { Rate } from './rate.ts';

/** A backend acts for many listeners, so its limits are this many times as high. */
const SERVICE_FACTOR = 20;
/** A visitor costs nothing to make, so its limits are this share of a listener's. */
const VISITOR_FACTOR = 1 / 4;

export interface RatesOptions {
  config: RateConfig;
  /** Where the nodes keep shared counts. Null if this node counts in memory. */
  store: RateStore | null;
  /** The time after which a dead connection is noticed, and so the time after which a refused one should retry. */
  goneAfterMs: number;
  log: Logger;
}

type Counted = 'requests' | 'mutations' | 'feedback';

/** The limits of each listener and address, per minute and on open connections ([RATE1]). Null means unlimited. */
export class Rates {
  readonly #open = { listener: new OpenConnections(), address: new OpenConnections() };
  readonly #options: RatesOptions;
  #limits: Limits;

  constructor(options: RatesOptions) {
    this.#options = options;
    this.#limits = limitsOf(options, options.config);
  }

  /** Uses other limits from now on. What was counted in this minute is forgotten; open connections are not. */
  reload(config: RateConfig): void {
    this.#limits = limitsOf(this.#options, config);
  }

  readonly addressOf: AddressOf = (request) => this.#limits.addressOf(request);
  readonly isProxied = (request: IncomingMessage): boolean => this.#limits.isProxied(request);

  /** Counts what a viewer does, for the owner of the token. @throws RateLimitedError */
  async count(what: Counted, viewer: Viewer, amount = 1): Promise<void> {
    const rates = this.#limits.listeners[what];
    if (!rates) return;
    const wait = await rates[kindOf(viewer)].take(keyOf(viewer), amount);
    if (wait !== null) throw new RateLimitedError(TOO_MUCH[what], wait);
  }

  /** Counts a request or a connection from an address. @throws RateLimitedError */
  async countAddress(address: string): Promise<void> {
    const wait = await this.#limits.address?.take(address);
    if (wait != null) throw new RateLimitedError('Too many requests from this address', wait);
  }

  /** Counts a new visitor, who is a request as well. @throws RateLimitedError */
  async countVisitor(address: string): Promise<void> {
    await this.countAddress(address);
    const wait = await this.#limits.visitors?.take(address);
    if (wait != null) throw new RateLimitedError('Too many new visitors from this address', wait);
  }

  /** Counts an invalid token. */
  async countFailure(address: string): Promise<void> {
    await this.#limits.failures?.take(address);
  }

  /** @throws RateLimitedError if there were too many invalid tokens from this address */
  async checkFailures(address: string): Promise<void> {
    const wait = await this.#limits.failures?.refusal(address);
    if (wait != null) throw new RateLimitedError('Too many invalid tokens from this address', wait);
  }

  /** Counts an open connection. @returns a function that releases it @throws RateLimitedError */
  holdForAddress(address: string): () => void {
    return this.#hold('address', address, this.#limits.config.socketsPerAddress);
  }

  /** Like `holdForAddress`, for the listener of the connection. */
  holdForListener(viewer: Viewer): () => void {
    const factor = { own: 1, service: SERVICE_FACTOR, visitor: VISITOR_FACTOR }[kindOf(viewer)];
    return this.#hold('listener', keyOf(viewer), scaled(this.#limits.config.socketsPerListener, factor));
  }

  #hold(what: 'listener' | 'address', key: string, most: number | null): () => void {
    const release = this.#open[what].take(key, most ?? Infinity);
    if (release) return release;
    throw new RateLimitedError(
      `This ${what} has ${most} open connections, which is the limit`,
      this.#options.goneAfterMs,
    );
  }
}

/** What one configuration allows, and what has been counted under it. */
interface Limits {
  config: RateConfig;
  addressOf: AddressOf;
  isProxied: (request: IncomingMessage) => boolean;
  listeners: Record<Counted, ListenerRate | null>;
  address: Rate | null;
  failures: Rate | null;
  visitors: Rate | null;
}

function limitsOf({ store, log }: RatesOptions, config: RateConfig): Limits {
  const rate = (name: string, perMinute: number | null) =>
    perMinute === null ? null : new Rate({ store, log, name, perMinute });
  const ofListeners = (name: Counted) => {
    const own = rate(name, config[name]);
    const service = rate(`${name} of services`, scaled(config[name], SERVICE_FACTOR));
    const visitor = rate(`${name} of visitors`, scaled(config[name], VISITOR_FACTOR));
    return own && service && visitor && { own, service, visitor };
  };
  return {
    config,
    addressOf: createAddressOf(config.trustedProxies),
    isProxied: createIsProxied(config.trustedProxies),
    listeners: {
      requests: ofListeners('requests'),
      mutations: ofListeners('mutations'),
      feedback: ofListeners('feedback'),
    },
    address: rate('address', config.address),
    failures: rate('failures', config.failures),
    visitors: rate('visitors', config.visitors),
  };
}

type ListenerRate = Record<'own' | 'service' | 'visitor', Rate>;

const TOO_MUCH: Record<Counted, string> = {
  requests: 'Too many requests',
  mutations: 'Too many changes',
  feedback: 'Too much feedback',
};

const scaled = (limit: number | null, factor: number): number | null =>
  limit && Math.max(1, Math.floor(limit * factor));

function kindOf(viewer: Viewer): keyof ListenerRate {
  if (may(viewer, 'SERVICE')) return 'service';
  return isVisitor(viewer.listener) ? 'visitor' : 'own';
}

/** An API key is counted by itself, so that two apps of one owner do not use up each other's limits. */
const keyOf = (viewer: Viewer): string => (viewer.key ? `key ${viewer.key.id}` : String(accountOf(viewer).id));
