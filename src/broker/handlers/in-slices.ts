import type { Connection } from '../connection/connection.ts';

/** Done in one turn of the event loop. A packet of a mebibyte may name a quarter of a million filters. */
export const SLICE = 256;

export interface SlicedWork {
  /** For every index, in order. */
  each(index: number): void;
  /** Behind the last. */
  done(): void;
  /** Instead of `done`: the connection has closed meanwhile. */
  abandoned(): void;
}

/**
 * Does what a packet with `count` items asks for: few at once; of many a slice in each turn of the event loop, so that
 * nobody else waits for them, while nothing more is read from the connection.
 */
export function inSlices(connection: Connection, count: number, work: SlicedWork): void {
  const isLong = count > SLICE;
  if (isLong) connection.awaitAnswer();
  const goOn = (from: number): void => {
    if (connection.closed) {
      work.abandoned();
      return;
    }
    const end = Math.min(from + SLICE, count);
    for (let index = from; index < end; index += 1) work.each(index);
    if (end < count) {
      setImmediate(goOn, end);
      return;
    }
    work.done();
    if (isLong) connection.answered();
  };
  goOn(0);
}
