import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningBroker } from '../brokers/broker.ts';
import { ClosedLoop, type LoadOptions } from '../load/closed-loop.ts';
import { measureInterval } from '../measure/interval.ts';
import { residentBytes } from '../measure/process-usage.ts';
import type { Measurement, Scenario, Timing } from './scenario.ts';

type Load = Omit<LoadOptions, 'port'>;

/** Messages through a closed loop: processor time, rate and latency of deliveries. */
export function messageScenario(name: string, description: string, load: Load): Scenario {
  return { name, description, run: (broker, timing) => runMessages(load, broker, timing) };
}

async function runMessages(load: Load, broker: RunningBroker, timing: Timing): Promise<Measurement> {
  const loop = await ClosedLoop.start({ ...load, port: broker.port });
  const { tally } = loop;
  try {
    await sleep(timing.warmupMs);
    tally.assertAlive();
    tally.latency.reset();
    const deliveredBefore = tally.delivered;
    const interval = await measureInterval(broker.pid, timing.measureMs);
    const operations = tally.delivered - deliveredBefore;
    const latency = { p50Ms: tally.latency.quantileMs(0.5), p99Ms: tally.latency.quantileMs(0.99) };
    const memory = residentBytes(broker.pid);
    await loop.drain();
    tally.assertKept(load.qos);
    if (operations === 0) throw new Error('nothing was delivered while measuring');
    const { lost } = tally;
    return { operations, ...interval, ...latency, residentBytes: memory, bytesPerConnection: undefined, lost };
  } finally {
    await loop.close();
  }
}
