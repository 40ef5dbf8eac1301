import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

test('[MQTT-3.3.2-7] an alias of an earlier connection means nothing to the server', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const identity = { clientId, properties: { sessionExpiryInterval: 60 } };
  await using before = await connect(identity);
  await before.publish(topic, 'message', { qos: 1, properties: { topicAlias: 1 } });
  await before.disconnect();
  await using after = await connect({ ...identity, cleanStart: false });
  after.sendPublish('', 'message', { properties: { topicAlias: 1 } });
  await expectRefusal(after, ...[ReasonCode.protocolError, ReasonCode.topicAliasInvalid, ReasonCode.topicNameInvalid]);
});

test('[MQTT-3.3.2-8] alias 0 ends the connection', async () => {
  await using client = await connect();
  client.sendPublish(unique('topic'), 'message', { properties: { topicAlias: 0 } });
  await expectRefusal(client, ReasonCode.topicAliasInvalid, ReasonCode.protocolError, ReasonCode.malformedPacket);
});

test('[MQTT-3.3.2-9] [MQTT-3.2.2-17] an alias above what the server allows ends the connection', async () => {
  await using client = await connect();
  const { topicAliasMaximum = 0 } = client.connack.properties;
  client.sendPublish(unique('topic'), 'message', { properties: { topicAlias: topicAliasMaximum + 1 } });
  await expectRefusal(client, ReasonCode.topicAliasInvalid, ReasonCode.protocolError);
});

test('[MQTT-3.3.2-12] every alias the server allows is taken, and may be given to another topic', async (context) => {
  const topic = unique('topic');
  await using client = await connect();
  const { topicAliasMaximum = 0 } = client.connack.properties;
  if (topicAliasMaximum === 0) return context.skip('the server takes no aliases');
  await client.subscribe({ filter: `${topic}/#`, qos: 0 });
  const send = async (name: string, topicAlias: number): Promise<string> => {
    client.sendPublish(name, 'message', { properties: { topicAlias } });
    return (await client.expect('publish')).topic;
  };
  for (let alias = 1; alias <= topicAliasMaximum; alias += 1)
    assert.equal(await send(`${topic}/${alias}`, alias), `${topic}/${alias}`);
  for (let alias = 1; alias <= topicAliasMaximum; alias += 1) assert.equal(await send('', alias), `${topic}/${alias}`);
  assert.equal(await send(`${topic}/other`, 1), `${topic}/other`);
  assert.equal(await send('', 1), `${topic}/other`);
});

/** Sends to `topics` again and again; what comes back must be what each alias stood for. Returns the aliases seen. */
async function aliasesUsed(client: RawClient, topics: readonly string[]): Promise<number[]> {
  const meanings = new Map<number, string>();
  const used: number[] = [];
  for (let round = 0; round < 4; round += 1)
    for (const topic of topics) {
      await client.publish(topic, topic, { qos: 1 });
      const packet = await client.receive();
      const { topicAlias } = packet.properties;
      if (topicAlias !== undefined) used.push(topicAlias);
      if (topicAlias !== undefined && packet.topic !== '') meanings.set(topicAlias, packet.topic);
      assert.equal(packet.topic || meanings.get(topicAlias!), topic);
    }
  return used;
}

for (const most of [undefined, 0, 1, 3])
  test(`[MQTT-3.3.2-11] [MQTT-3.3.2-8] [MQTT-3.1.2-26] [MQTT-3.1.2-27] at most ${most ?? 'no'} aliases`, async () => {
    const topic = unique('topic');
    await using client = await connect({ ...(most !== undefined && { properties: { topicAliasMaximum: most } }) });
    await client.subscribe(`${topic}/+`);
    const used = await aliasesUsed(
      client,
      ['a', 'b', 'c', 'd', 'e'].map((level) => `${topic}/${level}`),
    );
    for (const alias of used) assert(alias >= 1 && alias <= (most ?? 0), `${alias}`);
  });

test('[MQTT-3.3.2-7] the server gives its aliases anew on every connection', async () => {
  const [clientId, topic] = [unique(), unique('topic')];
  const identity = { clientId, properties: { sessionExpiryInterval: 60, topicAliasMaximum: 10 } };
  await using before = await connect(identity);
  await before.subscribe(`${topic}/+`);
  await aliasesUsed(before, [`${topic}/a`, `${topic}/b`]);
  await before.disconnect();
  await using after = await connect({ ...identity, cleanStart: false });
  await aliasesUsed(after, [`${topic}/b`, `${topic}/a`]);
});
