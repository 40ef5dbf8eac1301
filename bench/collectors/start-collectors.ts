import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Collector } from './collector.ts';
import { type Fault, isFault } from './fault.ts';
import { type Sink, startSink } from './sink.ts';

export interface Collectors {
  readonly all: readonly Collector[];
  stop(): void;
}

const FRONT = join(import.meta.dirname, 'front-process.ts');
const SINK = 'sink';

/** For each name, a collector: `sink`, one with a fault in front of the same sink, or somebody's endpoint. */
export async function startCollectors(names: readonly string[]): Promise<Collectors> {
  const all: Collector[] = [];
  const stops: (() => void)[] = [];
  const isOurs = names.some((name) => name === SINK || isFault(name));
  const sink = isOurs ? await startSink() : undefined;
  for (const name of names) {
    if (isFault(name)) {
      const { collector, stop } = await startFaulty(name, sink!);
      all.push(collector);
      stops.push(stop);
    } else if (name === SINK) {
      all.push(faultless(undefined, loopback(sink!.httpPort), () => sink!.count()));
    } else {
      all.push(faultless(name, name, async () => undefined));
    }
  }
  if (sink !== undefined) stops.push(() => sink.stop());
  return {
    all,
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function faultless(
  label: string | undefined,
  endpoint: string,
  receivedSpans: () => Promise<number | undefined>,
): Collector {
  return { label, endpoint, misbehave: async () => {}, recover: async () => {}, receivedSpans };
}

async function startFaulty(fault: Fault, sink: Sink): Promise<{ collector: Collector; stop: () => void }> {
  const child = fork(FRONT, [fault, String(sink.httpPort)]);
  const [port] = (await once(child, 'message')) as [number];
  const become = async (state: 'misbehave' | 'recover'): Promise<void> => {
    const done = once(child, 'message');
    child.send(state);
    await done;
  };
  const collector: Collector = {
    label: fault,
    endpoint: loopback(port),
    misbehave: () => become('misbehave'),
    recover: () => become('recover'),
    receivedSpans: () => sink.count(),
  };
  return { collector, stop: () => child.disconnect() };
}

function loopback(port: number): string {
  return `http://127.0.0.1:${port}`;
}
