import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningBroker } from '../brokers/broker.ts';
import { type LoadOptions, MessageLoad } from '../load/message-load.ts';
import { measureInterval } from '../measure/interval.ts';
import { residentBytes } from '../measure/process-usage.ts';
import type { Measurement, Scenario, Timing } from './scenario.ts';

type Load = Omit<LoadOptions, 'port'>;

/** Messages, in a closed loop or offered at a rate: processor time, rate and latency of deliveries. */
export function messageScenario(name: string, description: string, load: Load): Scenario {
  return { name, description, run: (broker, timing) => runMessages(load, broker, timing) };
}

async function runMessages(options: Load, broker: RunningBroker, timing: Timing): Promise<Measurement> {
  const load = await MessageLoad.start({ ...options, port: broker.port });
  const { tally } = load;
  try {
    await sleep(timing.warmupMs);
    tally.assertAlive();
    tally.latency.reset();
    const deliveredBefore = tally.delivered;
    const publishedBefore = load.published;
    const interval = await measureInterval(broker.pid, timing.measureMs);
    const operations = tally.delivered - deliveredBefore;
    const reachedPerSecond = ((load.published - publishedBefore) * 1000) / interval.elapsedMs;
    const offered = options.offered && { perSecond: options.offered.perSecond, reachedPerSecond };
    const latency = { p50Ms: tally.latency.quantileMs(0.5), p99Ms: tally.latency.quantileMs(0.99) };
    const memory = { residentBytes: residentBytes(broker.pid), bytesPerConnection: undefined };
    await load.drain();
    tally.assertKept(options.qos);
    if (operations === 0) throw new Error('nothing was delivered while measuring');
    return { operations, ...interval, ...latency, ...memory, published: load.published, offered, lost: tally.lost };
  } finally {
    await load.close();
  }
}
