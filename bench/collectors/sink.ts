import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const RECEIVER = join(import.meta.dirname, '..', 'spans', 'receiver-process.ts');

/** A collector that takes everything and only counts, in a process of its own. */
export interface Sink {
  readonly httpPort: number;
  /** Spans it received since it started. */
  count(): Promise<number>;
  stop(): void;
}

export async function startSink(): Promise<Sink> {
  const child = fork(RECEIVER);
  const [{ httpPort }] = (await once(child, 'message')) as [{ httpPort: number; grpcPort: number }];
  return {
    httpPort,
    async count() {
      const counted = once(child, 'message') as Promise<[{ spans: number }]>;
      child.send('count');
      return (await counted)[0].spans;
    },
    stop: () => child.disconnect(),
  };
}
