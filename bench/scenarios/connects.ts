import type { RunningBroker } from '../brokers/broker.ts';
import { Client } from '../client/client.ts';
import { measureInterval } from '../measure/interval.ts';
import { LatencyHistogram } from '../measure/latency-histogram.ts';
import { residentBytes } from '../measure/process-usage.ts';
import { type Measurement, NO_MESSAGES, type Scenario, type Timing } from './scenario.ts';

const AT_ONCE = 50;
/** Closed connections keep their port for a minute: several source addresses multiply the ports. */
const SOURCE_ADDRESSES = 32;

/** Connects, is accepted, disconnects, and so on, many at once. */
export const connects: Scenario = {
  name: 'connects',
  description: `${AT_ONCE} clients at once, each: TCP connection, CONNECT, CONNACK, DISCONNECT, and again`,
  run: runConnects,
};

async function runConnects(broker: RunningBroker, timing: Timing): Promise<Measurement> {
  const latency = new LatencyHistogram();
  let made = 0;
  let isStopped = false;
  const reconnectForever = async (slot: number): Promise<void> => {
    for (let round = 0; !isStopped; round++) {
      const startedAt = performance.now();
      const localAddress = `127.0.0.${1 + ((slot + round) % SOURCE_ADDRESSES)}`;
      const client = await Client.connect({ port: broker.port, clientId: `bench-connect-${slot}`, localAddress });
      latency.record(performance.now() - startedAt);
      made++;
      await client.close();
    }
  };
  const workers = Array.from({ length: AT_ONCE }, (_, slot) => reconnectForever(slot));
  // Settled below; until then a failure ends the measuring early.
  const failed = Promise.all(workers).then(() => undefined);
  const measured = async (): Promise<Measurement> => {
    await measureInterval(broker.pid, timing.warmupMs);
    latency.reset();
    const madeBefore = made;
    const interval = await measureInterval(broker.pid, timing.measureMs);
    const latencies = { p50Ms: latency.quantileMs(0.5), p99Ms: latency.quantileMs(0.99) };
    const memory = { residentBytes: residentBytes(broker.pid), bytesPerConnection: undefined };
    return { operations: made - madeBefore, ...interval, ...latencies, ...memory, ...NO_MESSAGES };
  };
  try {
    const measurement = await Promise.race([measured(), failed]);
    if (measurement === undefined) throw new Error('the clients stopped before they were told to');
    return measurement;
  } finally {
    isStopped = true;
    await Promise.allSettled(workers);
  }
}
