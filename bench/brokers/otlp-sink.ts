import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const RECEIVER = join(import.meta.dirname, '..', 'spans', 'receiver-process.ts');

/** A collector that only counts, in a process of its own. */
export interface OtlpSink {
  readonly endpoint: string;
  /** Ends it; how many spans it received. */
  stop(): Promise<number>;
}

export async function startSink(): Promise<OtlpSink> {
  const child = fork(RECEIVER);
  const [ports] = (await once(child, 'message')) as [{ httpPort: number; grpcPort: number }];
  return {
    endpoint: `http://127.0.0.1:${ports.httpPort}`,
    async stop() {
      const counted = once(child, 'message') as Promise<[{ spans: number }]>;
      child.send('count');
      const [{ spans }] = await counted;
      child.disconnect();
      return spans;
    },
  };
}
