/** What each of these clients needs to know. */
export interface Options {
  /** e.g. `https://cadenza.example.com/graphql`; the WebSocket has the same address. */
  url: string;
  /** Returns a token that is still valid, or '' for a server without authentication. Called for each request and connection. */
  token: () => string | Promise<string>;
  /** Node.js before 22 has no WebSocket: pass the class of `ws`. Browsers and React Native have one. */
  webSocket?: unknown;
}

export const socketUrl = (url: string): string => url.replace(/^http/, 'ws');
