import { programVersion } from '../../config/program-version.ts';
import { METRICS, type MetricDefinition } from '../../telemetry/catalogue.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type SystemState, SystemStatistics } from '../system-topics/system-statistics.ts';
import { SystemTopics } from '../system-topics/system-topics.ts';
import type { Delivery } from './delivery.ts';
import type { Foundation } from './foundation.ts';
import type { Handling } from './handling.ts';

/** What the broker says of itself at `$SYS/broker/…`. */
export function assembleSystemTopics(
  foundation: Foundation,
  { flow }: Delivery,
  { connections, lifecycle }: Handling,
): SystemTopics {
  const { parts, router, retained, topics, shards } = foundation;
  const { metrics, clock } = parts;
  const messageShards = [shards.durable.name, shards.volatile.name];
  const state = (): SystemState => {
    const { heapUsed, external } = process.memoryUsage();
    return {
      version: programVersion,
      connectedClients: connections.connectedCount,
      peakConnectedClients: connections.peakConnectedCount,
      sessions: lifecycle.sessions.size,
      subscriptions: router.subscriptionCount,
      sharedSubscriptions: router.sharedSubscriptionCount,
      retainedMessages: retained.count,
      inflightMessages: sumOf(metrics, METRICS.inflightMessages),
      storedMessages: sumOf(metrics, METRICS.journalShardRecords, messageShards) + retained.count,
      storedBytes: sumOf(metrics, METRICS.journalShardBytes, messageShards) + retained.bytes,
      heapBytes: heapUsed + external,
    };
  };
  const statistics = new SystemStatistics(metrics, state, clock.now());
  return new SystemTopics({ statistics, flow, retained, topics, clock });
}

/** A gauge's reading; of one with a label the sum over these of its values. */
function sumOf(metrics: Metrics, gauge: MetricDefinition<'gauge'>, labelValues: readonly string[] = []): number {
  const reading = metrics.readGauge(gauge) ?? 0;
  if (typeof reading === 'number') return reading;
  let sum = 0;
  for (const [labelValue, value] of reading) if (labelValues.includes(labelValue)) sum += value;
  return sum;
}
