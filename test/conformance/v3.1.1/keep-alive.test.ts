import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { conformance } from '../support/conformance.ts';

const { test, connect } = conformance('3.1.1');

test('[MQTT-3.1.2-24] a client that is silent for one and a half times its keep alive is cut off, not before', async () => {
  const startedAt = performance.now();
  await using client = await connect({ keepAliveSeconds: 1 });
  await client.expectClose();
  const elapsedMs = performance.now() - startedAt;
  // The upper bound leaves servers that look rarely, or are busy, much time.
  assert(elapsedMs >= 1000 && elapsedMs < 10_000, `cut off after ${elapsedMs} ms`);
});

test('[MQTT-3.1.2-24] any packet shows that a client lives', async () => {
  await using client = await connect({ keepAliveSeconds: 1 });
  for (let count = 0; count < 5; count++) {
    await delay(600);
    client.sendPublish('keep-alive', 'alive');
  }
  await client.expectNothing();
});

test('[MQTT-3.1.2-24] keep alive 0 turns it off', async () => {
  await using client = await connect({ keepAliveSeconds: 0 });
  await delay(3000);
  await client.expectNothing();
});

test('[MQTT-3.12.4-1] every PINGREQ is answered with a PINGRESP', async () => {
  await using client = await connect();
  client.send({ type: 'pingreq' }, { type: 'pingreq' }, { type: 'pingreq' });
  for (let count = 0; count < 3; count++) await client.expect('pingresp');
  await client.expectNothing();
});
