import { spawnSync } from 'node:child_process';

/**
 * A network in namespaces of the kernel: each node has one of its own and a cable to a switch, and so have we. A cable that is
 * pulled tells nobody: what is sent is lost, connections stay as they are, and those that outlive it go on.
 */
export class Lan implements Disposable {
  /** Ours on it. */
  readonly address: string;
  readonly #name = `cadenza-${process.pid}`;
  readonly #subnet = `10.${192 + ((process.pid >> 8) & 63)}.${process.pid & 255}`;
  readonly #cables: Cable[] = [];

  private constructor() {
    this.address = `${this.#subnet}.1`;
    ip('netns', 'add', this.#name);
    ip('-n', this.#name, 'link', 'add', 'switch', 'type', 'bridge');
    ip('-n', this.#name, 'link', 'set', 'switch', 'up');
    ip('link', 'add', this.#link, 'type', 'veth', 'peer', 'name', 'us', 'netns', this.#name);
    ip('address', 'add', `${this.address}/24`, 'dev', this.#link);
    ip('link', 'set', this.#link, 'up');
    ip('-n', this.#name, 'link', 'set', 'us', 'master', 'switch', 'up');
  }

  /** Null where this process may not make one. */
  static open(): Lan | null {
    const probe = `cadenza-probe-${process.pid}`;
    if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return null;
    ip('netns', 'delete', probe);
    return new Lan();
  }

  lay(): Cable {
    const n = this.#cables.length;
    const cable = new Cable(this.#name, n, `${this.#subnet}.${10 + n}`);
    this.#cables.push(cable);
    return cable;
  }

  [Symbol.dispose](): void {
    for (const { namespace } of this.#cables) ip('netns', 'delete', namespace);
    ip('link', 'delete', this.#link);
    ip('netns', 'delete', this.#name);
  }

  get #link(): string {
    return `cz${process.pid}`;
  }
}

/** From a namespace to the switch. */
export class Cable {
  /** That of whoever runs in the namespace. */
  readonly address: string;
  readonly namespace: string;
  readonly #switch: string;
  readonly #port: string;

  constructor(lan: string, n: number, address: string) {
    this.address = address;
    this.namespace = `${lan}-${n}`;
    this.#switch = lan;
    this.#port = `port${n}`;
    ip('netns', 'add', this.namespace);
    ip('-n', lan, 'link', 'add', this.#port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace);
    ip('-n', this.namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', this.namespace, 'link', 'set', 'eth0', 'up');
    ip('-n', this.namespace, 'link', 'set', 'lo', 'up');
    ip('-n', lan, 'link', 'set', this.#port, 'master', 'switch', 'up');
  }

  pull(): void {
    ip('-n', this.#switch, 'link', 'set', this.#port, 'down');
  }

  plug(): void {
    ip('-n', this.#switch, 'link', 'set', this.#port, 'up');
  }
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}
