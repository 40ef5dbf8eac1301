import assert from 'node:assert/strict';
import type { StrictClient } from './strict-client.ts';

/** Publishes `count` messages to the topic, `window` of them on their way at once, and waits for all handshakes. */
export async function publishSeries(
  client: StrictClient,
  { topic, count, qos, window }: { topic: string; count: number; qos: 1 | 2; window: number },
): Promise<void> {
  const underWay = new Set<Promise<boolean>>();
  for (let index = 0; index < count; index += 1) {
    if (underWay.size === window) await Promise.race(underWay);
    const sent: Promise<boolean> = client.publish(topic, `${topic} ${index}`, qos).then((acknowledged) => {
      underWay.delete(sent);
      return acknowledged;
    });
    underWay.add(sent);
  }
  await Promise.all(underWay);
}

export function seriesOf(topic: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${topic} ${index}`);
}

/** QoS 1: everything came, and for the first time in order; repeats are allowed. QoS 2: exactly once. */
export function assertDelivered(received: readonly string[], expected: readonly string[], qos: 1 | 2): void {
  assert.deepEqual(qos === 2 ? received : [...new Set(received)], expected, `deliveries at QoS ${qos}`);
}
