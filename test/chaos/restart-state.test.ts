import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { Restartable } from './support/restartable.ts';
import { StrictClient } from './support/strict-client.ts';

describe('after kill -9', () => {
  test('retained messages, subscriptions and sessions are there, and the wills of those cut off are published', async () => {
    await using broker = await Restartable.start();
    const keeper = new StrictClient('keeper');
    await keeper.connect(broker.port);
    await keeper.subscribe('kept/#');
    await keeper.subscribe('will/+');
    assert.equal(await keeper.publish('kept/retained', 'still here', 1, true), true);
    const wills = [4, 5].map((version) => ({ version, topic: `will/${version}` }));
    for (const { version, topic } of wills) {
      const will = { topic, payload: Buffer.from('cut off'), qos: 1, retain: false, properties: {} } as const;
      await RawClient.connect({ port: broker.port, clientId: topic, protocolVersion: version === 4 ? 4 : 5, will });
    }
    await broker.kill();
    await keeper.idle;
    await broker.start();

    // Asserts session present = 1.
    await keeper.connect(broker.port);
    await keeper.publish('kept/now', 'by the old subscription', 1);
    await keeper.receives('kept/now', 'by the old subscription');
    for (const { topic } of wills) await keeper.receives(topic, 'cut off');
    await using newcomer = await RawClient.connect({ port: broker.port });
    await newcomer.subscribe('kept/retained');
    const retained = await newcomer.receive();
    assert.deepEqual([payloadOf(retained), retained.retain], ['still here', true]);
    await keeper.drop();
  });

  test('what one member of a shared group left to another is there once, in order', async () => {
    await using broker = await Restartable.start();
    const properties = { sessionExpiryInterval: 600 };
    const one = await RawClient.connect({ port: broker.port, clientId: 'one', properties });
    await one.subscribe('$share/g/left');
    const texts = ['0', '1', '2'];
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const text of texts) await publisher.publish('left', text, { qos: 1 });
    for (const text of texts) assert.equal(payloadOf(await one.expect('publish')), text);
    const two = await RawClient.connect({ port: broker.port, clientId: 'two', properties });
    await two.subscribe('$share/g/left');
    await one.drop();
    for (const text of texts) assert.equal(payloadOf(await two.expect('publish')), text);
    await broker.kill();
    await Promise.all([two.ended(), publisher.ended()]);
    await broker.start();
    await using heir = await RawClient.connect({ port: broker.port, clientId: 'two', cleanStart: false, properties });
    for (const text of texts) assert.equal(payloadOf(await heir.receive()), text);
    await using back = await RawClient.connect({ port: broker.port, clientId: 'one', cleanStart: false, properties });
    await back.expectNothing();
  });

  test('a will without delay is published even when its client is back at once [MQTT-3.1.3-9]', async () => {
    await using broker = await Restartable.start();
    const watcher = new StrictClient('watcher');
    await watcher.connect(broker.port);
    await watcher.subscribe('will');
    const will = { topic: 'will', payload: Buffer.from('cut off'), qos: 1, retain: false, properties: {} } as const;
    const client = new StrictClient('returning', { will });
    await client.connect(broker.port);
    await broker.kill();
    await Promise.all([watcher.idle, client.idle]);
    await broker.start();
    await client.connect(broker.port);
    await watcher.connect(broker.port);
    await watcher.receives('will', 'cut off');
    await Promise.all([watcher.drop(), client.drop()]);
  });
});
