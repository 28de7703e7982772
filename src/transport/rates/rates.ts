import type { RateConfig } from '../../config.ts';
import type { RateStore } from '../../db/queries/rate-limits.ts';
import { RateLimitedError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import { type AddressOf, createAddressOf } from './address.ts';
import { OpenConnections } from './open-connections.ts';
import { Rate } from './rate.ts';

/** A backend acts for many listeners, so its limits are this many times as high. */
const SERVICE_FACTOR = 20;

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
  readonly addressOf: AddressOf;
  readonly #listeners: Record<Counted, ListenerRate | null>;
  readonly #address: Rate | null;
  readonly #failures: Rate | null;
  readonly #open: { listener: OpenConnections | null; address: OpenConnections | null };
  readonly #options: RatesOptions;

  constructor(options: RatesOptions) {
    const { config } = options;
    this.#options = options;
    this.addressOf = createAddressOf(config.trustedProxies);
    const rate = (name: string, perMinute: number | null) =>
      perMinute === null ? null : new Rate({ ...options, name, perMinute });
    const ofListeners = (name: Counted) => {
      const [own, service] = [rate(name, config[name]), rate(`${name} of services`, scaled(config[name]))];
      return own && service && { own, service };
    };
    this.#listeners = {
      requests: ofListeners('requests'),
      mutations: ofListeners('mutations'),
      feedback: ofListeners('feedback'),
    };
    this.#address = rate('address', config.address);
    this.#failures = rate('failures', config.failures);
    const counting = (most: number | null) => (most === null ? null : new OpenConnections(most));
    this.#open = { listener: counting(config.socketsPerListener), address: counting(config.socketsPerAddress) };
  }

  /** Counts what a viewer does, for the owner of the token. @throws RateLimitedError */
  async count(what: Counted, viewer: Viewer, amount = 1): Promise<void> {
    const rates = this.#listeners[what];
    if (!rates) return;
    const wait = await (isService(viewer) ? rates.service : rates.own).take(keyOf(viewer), amount);
    if (wait !== null) throw new RateLimitedError(TOO_MUCH[what], wait);
  }

  /** Counts a request or a connection from an address. @throws RateLimitedError */
  async countAddress(address: string): Promise<void> {
    const wait = await this.#address?.take(address);
    if (wait != null) throw new RateLimitedError('Too many requests from this address', wait);
  }

  /** Counts an invalid token. */
  async countFailure(address: string): Promise<void> {
    await this.#failures?.take(address);
  }

  /** @throws RateLimitedError if there were too many invalid tokens from this address */
  async checkFailures(address: string): Promise<void> {
    const wait = await this.#failures?.refusal(address);
    if (wait != null) throw new RateLimitedError('Too many invalid tokens from this address', wait);
  }

  /** Counts an open connection. @returns a function that releases it @throws RateLimitedError */
  holdForAddress(address: string): () => void {
    return this.#hold(this.#open.address, address, this.#options.config.socketsPerAddress, 'address');
  }

  /** Like `holdForAddress`, for the listener of the connection. */
  holdForListener(viewer: Viewer): () => void {
    const { socketsPerListener } = this.#options.config;
    const most = isService(viewer) ? scaled(socketsPerListener) : socketsPerListener;
    return this.#hold(this.#open.listener, keyOf(viewer), most, 'listener');
  }

  #hold(open: OpenConnections | null, key: string, most: number | null, what: string): () => void {
    if (!open || most === null) return () => undefined;
    const release = open.take(key, most);
    if (release) return release;
    throw new RateLimitedError(
      `This ${what} has ${most} open connections, which is the limit`,
      this.#options.goneAfterMs,
    );
  }
}

interface ListenerRate {
  own: Rate;
  service: Rate;
}

const TOO_MUCH: Record<Counted, string> = {
  requests: 'Too many requests',
  mutations: 'Too many changes',
  feedback: 'Too much feedback',
};

const scaled = (limit: number | null): number | null => limit && limit * SERVICE_FACTOR;

const isService = (viewer: Viewer): boolean => may(viewer, 'SERVICE');

const keyOf = ({ listener, agent = listener }: Viewer): string => String(agent.id);
