import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf, nextOrEnd, publishesBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const INVALID = [ReasonCode.malformedPacket, ReasonCode.protocolError, ReasonCode.topicFilterInvalid] as const;
const NO_TOPIC = [ReasonCode.malformedPacket, ReasonCode.protocolError, ReasonCode.topicNameInvalid] as const;

/** The server refuses the filter: with a code in SUBACK, or by ending the connection. */
async function expectRefusedFilter(client: RawClient, filter: string): Promise<void> {
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  client.send({ type: 'subscribe', packetId: 1, subscriptions: [{ filter, ...options }], properties: {} });
  const answer = await nextOrEnd(client);
  if (answer?.type === 'suback') assert(answer.reasonCodes[0]! >= ReasonCode.unspecifiedError, `${filter} was granted`);
  else if (answer !== undefined) {
    assert.equal(answer.type, 'disconnect');
    assert((INVALID as readonly number[]).includes(answer.reasonCode));
  }
}

for (const name of ['#', '+', 'a/+/b', 'a/#', 'a#', 'a+b'])
  test(`[MQTT-4.7.0-1] wildcards have no place in a topic name: ${name} ends the connection`, async () => {
    await using client = await connect();
    client.sendPublish(name, 'message', { qos: 0 });
    await expectRefusal(client, ...NO_TOPIC);
  });

for (const filter of ['#/a', 'a/#/b', 'a#', 'a/b#', '##', 'a/##', '/#/'])
  test(`[MQTT-4.7.1-1] # stands alone in the last level: ${filter} is refused`, async () => {
    await using client = await connect();
    await expectRefusedFilter(client, filter);
  });

for (const filter of ['a+', '+a', 'a/b+', 'a/+b/c', '++', '+#'])
  test(`[MQTT-4.7.1-2] + stands alone in its level: ${filter} is refused`, async () => {
    await using client = await connect();
    await expectRefusedFilter(client, filter);
  });

/** The names, of those below a topic of this test, that the filter brings. */
async function matchedBy(filter: string, names: readonly string[]): Promise<string[]> {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe([`${topic}/${filter}`, `${topic}-end`]);
  for (const name of names) await client.publish(`${topic}/${name}`, 'message', { qos: 1 });
  await client.publish(`${topic}-end`, 'end', { qos: 1 });
  return (await publishesBefore(client, 'end')).map((packet) => packet.topic.slice(topic.length + 1));
}

for (const [name, filter, matched, others] of [
  ['[MQTT-4.7.1-1] # takes any number of levels', 'a/#', ['a', 'a/', 'a/b', 'a/b/c', 'a//c'], ['b', 'aa', '/a', 'A/b']],
  ['[MQTT-4.7.1-1] # alone takes all below', '#', ['a', '', 'a/b', '/', '//a'], []],
  ['[MQTT-4.7.1-2] + takes one level', '+', ['a', '', 'größe'], ['a/b', '/a']],
  ['[MQTT-4.7.1-2] + takes a level in the middle', 'a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/b/c', 'a/b/c/']],
  ['[MQTT-4.7.1-2] + and # together', '+/b/#', ['a/b', '/b/c', 'x/b/c/d'], ['b', 'a/c/b']],
] as const)
  test(`${name}: ${filter}`, async () => {
    assert.deepEqual(await matchedBy(filter, [...others, ...matched]), matched);
  });

for (const filter of ['#', '+/a', '+/#', '+/+'])
  test(`[MQTT-4.7.2-1] a filter that begins with a wildcard takes no topic that begins with $: ${filter}`, async () => {
    const topic = unique('name');
    await using client = await connect();
    await client.subscribe([filter, `${topic}/a`]);
    await using other = await connect();
    await other.subscribe(`$${topic}/#`);
    await client.publish(`$${topic}/a`, 'message', { qos: 1 });
    await client.publish(`${topic}/a`, topic, { qos: 1 });
    // What other tests publish is there as well.
    const taken = (await publishesBefore(client, topic)).filter((packet) => packet.topic.startsWith('$'));
    assert.deepEqual(taken, []);
    assert.equal(await other.expectPayload(), 'message');
  });

test('[MQTT-4.7.3-1] an empty topic name ends the connection', async () => {
  await using client = await connect();
  client.sendPublish('', 'message');
  await expectRefusal(client, ...NO_TOPIC);
});

test('[MQTT-4.7.3-1] an empty filter is refused', async () => {
  await using client = await connect();
  await expectRefusedFilter(client, '');
});

test('[MQTT-4.7.3-2] U+0000 in a topic name ends the connection', async () => {
  await using client = await connect();
  client.sendPublish(`${unique('topic')}/\0`, 'message');
  await expectRefusal(client, ...NO_TOPIC);
});

test('[MQTT-4.7.3-2] U+0000 in a filter is refused', async () => {
  await using client = await connect();
  const filter = unique('topic/xxx');
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const frame = frameOf(client, {
    type: 'subscribe',
    packetId: 1,
    subscriptions: [{ filter, ...options }],
    properties: {},
  });
  frame[frame.indexOf('xxx')] = 0;
  client.sendBytes(frame);
  await expectRefusal(client, ...INVALID);
});

test('[MQTT-4.7.3-3] names and filters of 65,535 bytes are taken whole', async () => {
  const topic = `${unique('topic')}/`.padEnd(65_535, 'größe ').slice(0, 40_000);
  const longest = topic + 'x'.repeat(65_535 - Buffer.byteLength(topic));
  await using client = await connect();
  await client.subscribe([longest, longest.slice(0, -1)]);
  await client.publish(longest, 'message', { qos: 1 });
  assert.equal((await client.expect('publish')).topic, longest);
  await client.expectNothing();
});

test('[MQTT-4.7.3-4] names that differ in any character are different topics', async () => {
  const names = ['a/b', 'A/b', 'a//b', 'a/b/', '/a/b', 'a/ b', 'a/b ', 'a/./b', 'a/../b', 'a\\b', 'a%2Fb'];
  const composed = ['\u00e9', 'e\u0301', '\ufeff\u00e9', '\ufb01', 'fi', '\u00c5', '\u212b', 'ß', 'ss'];
  for (const all of [names, composed])
    await Promise.all(all.map(async (name) => assert.deepEqual(await matchedBy(name, all), [name])));
});
