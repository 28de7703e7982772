import progress, { type TimeFormatter } from 'cli-progress';

export interface Progress {
  done: number;
  whole: number;
  /** What the amount is, in words. */
  what: string;
}

/** The progress of a long command. Disposing it restores the terminal. */
export interface Display extends Disposable {
  progress: (progress: Progress) => void;
  step: (text: string) => void;
  /** Writes to standard error. */
  complain: (text: string) => void;
}

/** A progress bar on a terminal; elsewhere, as in logs, a line for each tenth. */
export function openDisplay(): Display {
  return process.stdout.isTTY ? barDisplay() : lineDisplay();
}

export function print(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Messages are printed above the bar. */
function barDisplay(): Display {
  const format = '{bar} {percentage} % · {what} · {eta_formatted} left';
  const bar = new progress.SingleBar({ format, formatTime, hideCursor: true, gracefulExit: false });
  return {
    progress({ done, whole, what }) {
      if (bar.isActive) bar.update(done, { what });
      else bar.start(whole, done, { what });
    },
    step(text) {
      bar.stop();
      print(text);
    },
    complain(text) {
      bar.stop();
      process.stderr.write(`${text}\n`);
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

/** Without progress the library's estimate is not a number. */
const formatTime: TimeFormatter = (seconds, ...options) =>
  Number.isFinite(seconds) ? progress.Format.TimeFormat(seconds, ...options) : '…';

function lineDisplay(): Display {
  let next = 10;
  return {
    progress({ done, whole, what }) {
      const percent = Math.floor((done / whole) * 100);
      if (percent < next) return;
      next = Math.floor(percent / 10) * 10 + 10;
      print(`${percent} % (${what})`);
    },
    step: print,
    complain: (text) => void process.stderr.write(`${text}\n`),
    [Symbol.dispose]: () => undefined,
  };
}
