export const ROOMS = ['listen', 'write', 'compose', 'understand', 'operate'] as const;
export type Room = (typeof ROOMS)[number];

/** Where in the Studio somebody is: a room, and perhaps the thing in it, as the address says (`#/write/ID`). */
class Place {
  room = $state<Room>('listen');
  /** The id of what is open in the room. */
  thing = $state<string | null>(null);

  constructor() {
    this.#read();
    addEventListener('hashchange', () => this.#read());
  }

  #read(): void {
    const [, room, thing] = location.hash.split('/');
    this.room = ROOMS.find((one) => one === room) ?? 'listen';
    this.thing = thing ? decodeURIComponent(thing) : null;
  }
}

export const addressOf = (room: Room, thing?: string): string =>
  thing === undefined ? `#/${room}` : `#/${room}/${encodeURIComponent(thing)}`;

export function go(room: Room, thing?: string): void {
  location.hash = addressOf(room, thing);
}

export const place = new Place();
