import { expiryOf } from './expiry.ts';

/** With what requests are sent. Without a token the server is asked as it answers anybody. */
export interface Credential {
  /** An API key or a token. */
  token: string | null;
  /** The listener to act for, by the app's own id, where that is allowed. */
  listenerId: string | null;
}

/** Why somebody has to sign in: none has, their token's time is over, or the server refuses what was given. */
type Refusal = { kind: 'NEEDED' | 'EXPIRED' } | { kind: 'REFUSED'; reason: string };

const KEY = 'cadenza-studio-credential';
const NOBODY: Credential = { token: null, listenerId: null };
/** Browsers run a timer for at most this long. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Who uses the Studio. What was pasted is kept for this tab only, and no longer than it is valid: sessionStorage ends with the tab
 * ([STUDIO3]).
 */
class Session {
  credential = $state.raw<Credential>(kept());
  /** Why the server wants another credential. Null while it has asked for none. */
  refusal = $state.raw<Refusal | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#watchExpiry();
  }

  readonly use = (credential: Credential): void => {
    this.credential = credential;
    this.refusal = null;
    sessionStorage.setItem(KEY, JSON.stringify(credential));
    this.#watchExpiry();
  };

  /** The server wants another credential than the one that was sent. */
  readonly refuse = (sent: Credential, reason: string): void => {
    if (sent === this.credential) this.leave(sent.token === null ? { kind: 'NEEDED' } : { kind: 'REFUSED', reason });
  };

  /** Forgets the credential. */
  readonly leave = (refusal: Refusal | null = null): void => {
    this.credential = NOBODY;
    this.refusal = refusal;
    sessionStorage.removeItem(KEY);
    clearTimeout(this.#timer);
  };

  #watchExpiry(): void {
    clearTimeout(this.#timer);
    const expiry = expiryOf(this.credential.token);
    if (expiry === null) return;
    this.#timer = setTimeout(
      () => this.leave({ kind: 'EXPIRED' }),
      Math.min(LONGEST_MS, Math.max(0, expiry - Date.now())),
    );
  }
}

function kept(): Credential {
  const text = sessionStorage.getItem(KEY);
  if (text === null) return NOBODY;
  const { token, listenerId } = JSON.parse(text) as Credential;
  return { token, listenerId };
}

export const session = new Session();
