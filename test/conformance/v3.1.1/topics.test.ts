import assert from 'node:assert/strict';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { nextOrEnd } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

/** The server takes no such filter: it ends the connection, or says 0x80 in its SUBACK. */
async function isRefused(filter: string): Promise<void> {
  await using client = await connect();
  client.sendBytes(frame(0x82, 0, 1, field(filter), 0));
  const packet = await nextOrEnd(client);
  if (packet === undefined) return;
  assert(packet.type === 'suback' && packet.reasonCodes[0] === 0x80, `${filter} was granted`);
}

/** Which of the topics a subscriber to the filter gets. */
async function matches(filter: string, topics: readonly string[]): Promise<string[]> {
  await using client = await connect();
  // What comes at QoS 0 needs no room among the messages of other tests, which wide filters match too.
  const { reasonCodes } = await client.subscribe({ filter, qos: 0 });
  assert(reasonCodes[0]! <= 2);
  await using publisher = await connect();
  for (const topic of topics) await publisher.publish(topic, 'message', { qos: 1 });
  client.send({ type: 'pingreq' });
  const received: string[] = [];
  for (;;) {
    const packet = await client.next();
    if (packet.type === 'pingresp') return received;
    if (packet.type === 'publish' && topics.includes(packet.topic)) received.push(packet.topic);
  }
}

for (const filter of ['#/a', 'a#', 'a/#/b', 'a/b#', '##', '/##'])
  test(`[MQTT-4.7.1-2] the filter ${filter} is refused: # stands alone in its level, at the end`, () =>
    isRefused(filter));

test('[MQTT-4.7.1-2] # at the end matches the level before it and all below', async () => {
  const prefix = unique('topic');
  const topics = [prefix, `${prefix}/`, `${prefix}/a`, `${prefix}/a/b`, `${prefix}a`];
  assert.deepEqual(await matches(`${prefix}/#`, topics), topics.slice(0, 4));
});

for (const filter of ['a+', '+a', 'a/b+', 'a/+b/c', '++'])
  test(`[MQTT-4.7.1-3] the filter ${filter} is refused: + stands alone in its level`, () => isRefused(filter));

test('[MQTT-4.7.1-3] + matches one level, wherever it stands', async () => {
  const [first, last] = [unique('topic'), unique('topic')];
  const topics = [`${first}/a/${last}`, `${first}//${last}`, `${first}/a/b/${last}`, `${first}/${last}`];
  assert.deepEqual(await matches(`${first}/+/${last}`, topics), topics.slice(0, 2));
  assert.deepEqual(await matches(`+/a/${last}`, topics), topics.slice(0, 1));
  assert.deepEqual(await matches(`${first}/+`, topics), topics.slice(3));
});

for (const filter of ['#', '+/+', '+/#'])
  test(`[MQTT-4.7.2-1] the filter ${filter} does not match topics that begin with $`, async () => {
    const name = unique('topic');
    assert.deepEqual(await matches(filter, [`$${name}/a`, `${name}/a`]), [`${name}/a`]);
  });

test('[MQTT-4.7.3-1] a topic has at least one character, a filter too', async () => {
  await isRefused('');
  await using client = await connect();
  client.sendBytes(frame(0x30, field(''), 'payload'));
  await client.expectClose();
});

test('[MQTT-4.7.3-1] one character is enough', async () => {
  await using client = await connect();
  const { reasonCodes } = await client.subscribe(['x', '/']);
  assert(reasonCodes.every((code) => code <= 2));
});

test('[MQTT-4.7.3-4] topics are not normalised: case, separators, spaces and composed characters count', async () => {
  const prefix = unique('topic');
  const topics = [`${prefix}/é`, `${prefix}/e\u0301`, `${prefix}/É`, `${prefix}/é/`, `${prefix}//é`, `${prefix}/é `];
  for (const topic of topics) assert.deepEqual(await matches(topic, topics), [topic]);
});
