export const ROOMS = ['listen', 'write', 'compose', 'understand', 'operate'] as const;
export type Room = (typeof ROOMS)[number];

/** Where in the Studio somebody is: a room, and perhaps the thing in it, as the address says (`#/write/ID`, `#/write/document/ID`). */
class Place {
  room = $state<Room>('listen');
  /** What the thing is, in a room that has several kinds. */
  kind = $state<string | null>(null);
  /** The id of what is open in the room. */
  thing = $state<string | null>(null);

  constructor() {
    this.#read();
    addEventListener('hashchange', () => this.#read());
  }

  #read(): void {
    const [, room, ...path] = location.hash.split('/');
    const [thing, kind] = path.toReversed();
    this.room = ROOMS.find((one) => one === room) ?? 'listen';
    this.kind = kind ?? null;
    this.thing = thing ? decodeURIComponent(thing) : null;
  }
}

export const addressOf = (room: Room, ...path: readonly string[]): string =>
  ['#', room, ...path.map(encodeURIComponent)].join('/');

export function go(room: Room, ...path: readonly string[]): void {
  location.hash = addressOf(room, ...path);
}

export const place = new Place();
