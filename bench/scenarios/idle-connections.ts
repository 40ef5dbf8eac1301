import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningBroker } from '../brokers/broker.ts';
import { Client } from '../client/client.ts';
import { measureInterval } from '../measure/interval.ts';
import { LatencyHistogram } from '../measure/latency-histogram.ts';
import { residentBytes } from '../measure/process-usage.ts';
import { type Measurement, NO_MESSAGES, type Scenario, type Timing } from './scenario.ts';

const AT_ONCE = 100;

/** Opens many connections that then do nothing, and sees what they cost. */
export function idleConnections(count: number): Scenario {
  return {
    name: 'idle-connections',
    description: `${count} connections that do nothing: resident memory each, processor time while idle`,
    run: (broker, timing) => runIdle(count, broker, timing),
  };
}

async function runIdle(count: number, broker: RunningBroker, timing: Timing): Promise<Measurement> {
  const clients: Client[] = [];
  const latency = new LatencyHistogram();
  let failure: Error | undefined;
  const open = async (index: number): Promise<void> => {
    const startedAt = performance.now();
    const client = await Client.connect({ port: broker.port, clientId: `bench-idle-${index}` });
    latency.record(performance.now() - startedAt);
    clients.push(client);
    client.receive({ onPublish() {}, onPuback() {}, onReadEnd() {}, onFailure: (error) => (failure ??= error) });
  };
  try {
    await sleep(timing.warmupMs);
    const memoryBefore = residentBytes(broker.pid);
    for (let index = 0; index < count; index += AT_ONCE) {
      const batch = Math.min(AT_ONCE, count - index);
      const opened = await Promise.allSettled(Array.from({ length: batch }, (_, offset) => open(index + offset)));
      const refused = opened.find((outcome) => outcome.status === 'rejected');
      if (refused !== undefined) throw refused.reason;
    }
    await sleep(timing.warmupMs);
    const interval = await measureInterval(broker.pid, timing.measureMs);
    if (failure !== undefined) throw failure;
    const memory = residentBytes(broker.pid);
    const latencies = { p50Ms: latency.quantileMs(0.5), p99Ms: latency.quantileMs(0.99) };
    const bytesPerConnection = (memory - memoryBefore) / count;
    return {
      operations: count,
      ...interval,
      ...latencies,
      residentBytes: memory,
      bytesPerConnection,
      ...NO_MESSAGES,
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
