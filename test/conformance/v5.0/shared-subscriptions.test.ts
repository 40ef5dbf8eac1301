import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { nextOrEnd, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

for (const [name, filter] of [
  ['[MQTT-4.8.2-1] an empty share name is refused', '$share//a'],
  ['[MQTT-4.8.2-1] no share name and no filter is refused', '$share/'],
  ['[MQTT-4.8.2-2] no filter is refused', '$share/group'],
  ['[MQTT-4.8.2-2] an empty filter is refused', '$share/group/'],
  ['[MQTT-4.8.2-2] a + in the share name is refused', '$share/a+b/a'],
  ['[MQTT-4.8.2-2] a + as share name is refused', '$share/+/a'],
  ['[MQTT-4.8.2-2] a # in the share name is refused', '$share/a#/a'],
  ['[MQTT-4.8.2-2] a # as share name is refused', '$share/#'],
] as const)
  test(name, async () => {
    await using client = await connect();
    const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    client.send({ type: 'subscribe', packetId: 1, subscriptions: [{ filter, ...options }], properties: {} });
    const answer = await nextOrEnd(client);
    if (answer?.type === 'suback') assert(answer.reasonCodes[0]! >= ReasonCode.unspecifiedError);
    else assert(answer === undefined || answer.type === 'disconnect');
  });

test('[MQTT-4.8.2-1] $share/{name}/{filter} brings what the filter takes, to one of those who share it', async () => {
  const topic = unique('topic');
  const members = [await connect(), await connect()];
  for (const member of members) await member.subscribe(`$share/group/${topic}/+`);
  await using publisher = await connect();
  for (const text of ['1', '2', '3', '4']) await publisher.publish(`${topic}/a`, text, { qos: 1 });
  await publisher.publish(`$share/group/${topic}/a`, 'elsewhere', { qos: 1 });
  const received = (await Promise.all(members.map(textsSoFar))).flat();
  assert.deepEqual(received.toSorted(), ['1', '2', '3', '4']);
  for (const member of members) await member.disconnect();
});

/** QoS 1 messages that have come to a client whose session ends with its connection. */
async function textsSoFar(client: RawClient): Promise<string[]> {
  const texts: string[] = [];
  client.send({ type: 'pingreq' });
  for (;;) {
    const packet = await client.next();
    if (packet.type !== 'publish') return texts;
    texts.push(payloadOf(packet));
    client.sendAck('puback', packet.packetId);
  }
}

for (const granted of [0, 1, 2] as const)
  test(`[MQTT-4.8.2-3] a member that was granted QoS ${granted} gets no message with more`, async () => {
    const topic = unique('topic');
    await using member = await connect();
    const { reasonCodes } = await member.subscribe({ filter: `$share/group/${topic}`, qos: granted });
    await using publisher = await connect();
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(topic, 'message', { qos });
      assert.equal((await member.receive()).qos, Math.min(qos, reasonCodes[0]!));
    }
  });

interface Group {
  /** Has got a message and not answered it. */
  readonly holder: RawClient;
  /** The holder, on a new connection. */
  readonly comeBack: (cleanStart: boolean) => ReturnType<typeof connect>;
  /** What has come to the member that joined later. */
  readonly textsOfOther: () => Promise<string[]>;
}

/** A group whose first member has the message `held`, of this QoS, on its way when the second joins. */
async function group(qos: 1 | 2): Promise<Group> {
  const [clientId, topic, ending] = [unique(), unique('topic'), unique('topic')];
  const identity = { clientId, properties: { sessionExpiryInterval: 60 } };
  const [holder, other, publisher] = [await connect(identity), await connect(), await connect()];
  await holder.subscribe(`$share/group/${topic}`);
  await publisher.publish(topic, 'held', { qos });
  await other.subscribe([`$share/group/${topic}`, ending]);
  return {
    holder,
    comeBack: (cleanStart) => connect({ ...identity, cleanStart }),
    textsOfOther: async () => {
      await publisher.publish(ending, 'end', { qos });
      return textsBefore(other, 'end');
    },
  };
}

test('[MQTT-4.8.2-4] a QoS 2 message whose delivery was interrupted goes on to the same client, and to no other', async () => {
  const { holder, comeBack, textsOfOther } = await group(2);
  const { packetId } = await holder.expect('publish');
  await holder.drop();
  assert.deepEqual(await textsOfOther(), []);
  await using back = await comeBack(false);
  const again = await back.receive();
  assert.deepEqual([payloadOf(again), again.packetId, again.duplicate], ['held', packetId, true]);
  assert.deepEqual(await textsOfOther(), []);
});

test('[MQTT-4.8.2-5] a QoS 2 message whose receiver’s session ended goes to no other client', async () => {
  const { holder, comeBack, textsOfOther } = await group(2);
  await holder.expect('publish');
  await holder.drop();
  await using anew = await comeBack(true);
  assert.equal(anew.connack.sessionPresent, false);
  assert.deepEqual(await textsOfOther(), []);
  await anew.expectNothing();
});

for (const [qos, answer] of [
  [1, 'puback'],
  [2, 'pubrec'],
] as const)
  test(`[MQTT-4.8.2-6] QoS ${qos}: a message that one member refused goes to no other`, async () => {
    const { holder, textsOfOther } = await group(qos);
    holder.sendAck(answer, (await holder.expect('publish')).packetId, ReasonCode.unspecifiedError);
    await holder.expectNothing();
    assert.deepEqual(await textsOfOther(), []);
    await holder.disconnect();
    assert.deepEqual(await textsOfOther(), []);
  });
