import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal } from '../support/exchange.ts';

const { test, connect } = conformance('5.0');

/** The bounds leave servers that look rarely, or are busy, much time. */
async function expectCutOff(client: RawClient, startedAt: number): Promise<void> {
  await expectRefusal(client, ReasonCode.keepAliveTimeout);
  const elapsedMs = performance.now() - startedAt;
  assert(elapsedMs >= 1000 && elapsedMs < 10_000, `cut off after ${elapsedMs} ms`);
}

test('[MQTT-3.1.2-22] [MQTT-3.2.2-22] silence for one and a half times the keep alive ends the connection', async () => {
  const startedAt = performance.now();
  await using client = await connect({ keepAliveSeconds: 1 });
  assert.equal(client.connack.properties.serverKeepAlive, undefined);
  await expectCutOff(client, startedAt);
});

test('[MQTT-3.1.2-22] any packet shows that a client lives', async () => {
  await using client = await connect({ keepAliveSeconds: 1 });
  for (let count = 0; count < 5; count++) {
    await sleep(600);
    client.sendPublish('keep-alive', 'alive');
  }
  await client.expectNothing();
});

test('[MQTT-3.2.2-22] a server that names no keep alive of its own waits as long as the client asked', async () => {
  await using client = await connect({ keepAliveSeconds: 5 });
  assert.equal(client.connack.properties.serverKeepAlive, undefined);
  await sleep(4500);
  await client.expectNothing();
});

test('[MQTT-3.12.4-1] every PINGREQ is answered with a PINGRESP', async () => {
  await using client = await connect();
  client.send({ type: 'pingreq' }, { type: 'pingreq' }, { type: 'pingreq' });
  for (let count = 0; count < 3; count++) await client.expect('pingresp');
  await client.expectNothing();
});

const shorter = conformance('5.0', { 'mqtt.keep_alive_maximum_seconds': 1 });

for (const keepAliveSeconds of [0, 600])
  shorter.test(
    `[MQTT-3.1.2-21] [MQTT-3.2.2-21] a Server Keep Alive counts in place of the ${keepAliveSeconds} s that the client asked for`,
    async () => {
      const startedAt = performance.now();
      await using client = await shorter.connect({ keepAliveSeconds });
      assert.equal(client.connack.properties.serverKeepAlive, 1);
      await expectCutOff(client, startedAt);
    },
  );
