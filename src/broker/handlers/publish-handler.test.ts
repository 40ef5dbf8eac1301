import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConnectOptions, payloadOf, RawClient } from '../../../test/support/raw-client.ts';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { everythingFrom } from '../../journal/testing/records.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { Placement } from '../../placement/placement.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { replacing } from '../testing/replacing.ts';
import { TestClock } from '../testing/test-clock.ts';

type Start = Parameters<typeof BrokerUnderTest.start>;

/** A publisher on a real socket. */
async function open(options: Omit<ConnectOptions, 'port'> = {}, settings: Start[0] = {}, engines: Start[1] = {}) {
  const broker = await BrokerUnderTest.start(settings, engines);
  const port = await broker.listen();
  const client = await RawClient.connect({ port, clientId: 'c', ...options });
  return {
    broker,
    port,
    client,
    async storedCount(): Promise<number> {
      return (await broker.journal.read('default', everythingFrom(0))).entries.length;
    },
    async [Symbol.asyncDispose]() {
      await client.drop();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const PERSISTENT = { cleanStart: false, properties: { sessionExpiryInterval: 60 } } as const;

function controlledJournal(): ControlledJournal {
  return new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

describe('a PUBLISH', () => {
  for (const protocolVersion of [4, 5] as const)
    for (const qos of [0, 1, 2] as const)
      it(`at QoS ${qos} reaches its subscribers, version ${protocolVersion}`, async () => {
        await using scene = await open({ protocolVersion });
        await scene.client.subscribe('a');
        scene.client.sendPublish('a', 'x', { qos, packetId: 77 });
        const message = await scene.client.take('publish');
        assert.deepEqual([payloadOf(message), message.qos], ['x', qos]);
        if (qos === 1) assert.equal((await scene.client.take('puback')).packetId, 77, '[MQTT-4.3.2-4]');
        if (qos === 2) assert.equal((await scene.client.take('pubrec')).packetId, 77, '[MQTT-4.3.3-8]');
        const received = counterId(METRICS.messagesReceivedTotal, String(qos) as '0' | '1' | '2');
        assert.equal(scene.broker.count(received), 1);
        assert.equal(scene.broker.count(counterId(METRICS.requestsTotal, 'publish')), 1);
      });

  it('is acknowledged only when it is durable', async () => {
    const controlled = controlledJournal();
    await using scene = await open({}, {}, { journal: controlled.journal });
    scene.client.sendPublish('a', 'x', { qos: 1 });
    await until(() => controlled.waiting.length === 1);
    await scene.client.expectNothing();
    controlled.settle('commit');
    await scene.client.expect('puback');
  });

  it('is acknowledged in the order in which it came [MQTT-4.6.0-2] [MQTT-4.6.0-3]', async () => {
    await using scene = await open();
    const sent = [1, 2, 1, 1, 2].map((qos, index) =>
      scene.client.sendPublish('a', 'x', { qos: qos as 1 | 2, retain: index === 2 }),
    );
    const answered: number[] = [];
    for (const qos of [1, 2, 1, 1, 2])
      answered.push((await scene.client.expect(qos === 1 ? 'puback' : 'pubrec')).packetId);
    assert.deepEqual(answered, sent);
  });

  it('says that nobody wanted it, where the protocol has a word for that', async () => {
    await using scene = await open();
    assert.equal(await scene.client.publish('a', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    await scene.client.subscribe('a');
    assert.equal(await scene.client.publish('a', 'x', { qos: 1 }), ReasonCode.success);
  });

  it('shows its way: who sent what, and how it ended', async () => {
    await using scene = await open();
    await scene.client.publish('a', 'payload', { qos: 1 });
    const [span] = scene.broker.spansNamed('mqtt/publish');
    const said = attributesOf(span);
    const { mqttClientId, mqttTopic, mqttQos, mqttPayloadSize, performanceSuccess } = ATTRIBUTES;
    assert.deepEqual(
      [mqttClientId, mqttTopic, mqttQos, mqttPayloadSize, performanceSuccess].map((key) => said.get(key)),
      ['c', 'a', 1, 7, true],
    );
  });
});

describe('a QoS 2 message that is sent again', () => {
  it('is answered again and stored once [MQTT-4.3.3-10], until it is released', async () => {
    await using scene = await open();
    for (const duplicate of [false, true, true]) {
      scene.client.sendPublish('a', 'x', { qos: 2, packetId: 5, duplicate });
      assert.equal((await scene.client.expect('pubrec')).packetId, 5);
    }
    assert.equal(await scene.storedCount(), 1);
    scene.client.sendAck('pubrel', 5);
    await scene.client.expect('pubcomp');
    await scene.client.publish('a', 'new', { qos: 2, packetId: 5 });
    assert.equal(await scene.storedCount(), 2);
  });

  it('over a new connection, while the first attempt is still being stored, is answered there', async () => {
    const controlled = controlledJournal();
    const session = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } };
    await using scene = await open(session, {}, { journal: controlled.journal });
    scene.client.sendPublish('a', 'x', { qos: 2, packetId: 5 });
    await until(() => controlled.waiting.length === 1);
    await using again = await RawClient.connect({ port: scene.port, clientId: 'c', ...session });
    again.sendPublish('a', 'x', { qos: 2, packetId: 5, duplicate: true });
    await again.expectNothing();
    controlled.settle('commit');
    assert.equal((await again.expect('pubrec')).packetId, 5);
    assert.equal(await scene.storedCount(), 1);
  });

  it('is known as one after a checkpoint and a crash, though nothing else happened to its session', async () => {
    await using scene = await open({ cleanStart: false, properties: { sessionExpiryInterval: 1000 } });
    await scene.broker.assembly.checkpoint.take();
    scene.client.sendPublish('a', 'x', { qos: 2, packetId: 5 });
    await scene.client.expect('pubrec');
    await scene.broker.assembly.checkpoint.take();
    await scene.broker.crash();
    const back = await scene.broker.connect('c', { expirySeconds: 1000 });
    assert.equal(back.session!.inbound.state(5), 'stored');
  });
});

describe('more messages than the broker takes at once', () => {
  for (const qos of [1, 2] as const)
    it(`end the connection [MQTT-3.3.4-7] [MQTT-3.3.4-8]: QoS ${qos}`, async () => {
      const controlled = controlledJournal();
      await using scene = await open({}, { 'mqtt.receive_maximum': 2 }, { journal: controlled.journal });
      for (const packetId of [1, 2, 3]) scene.client.sendPublish('a', 'x', { qos, packetId });
      await scene.client.expectDisconnect(ReasonCode.receiveMaximumExceeded);
      assert.equal(scene.broker.count(counterId(METRICS.limitsHitTotal, 'receive_maximum')), 1);
      await until(() => controlled.waiting.length > 0);
      controlled.settle('commit');
    });

  it('may be what an earlier connection left unreleased', async () => {
    await using scene = await open(PERSISTENT, { 'mqtt.receive_maximum': 2 });
    for (const packetId of [1, 2]) scene.client.sendPublish('a', 'x', { qos: 2, packetId });
    await scene.client.take('pubrec');
    await scene.client.take('pubrec');
    await scene.client.drop();
    await using again = await RawClient.connect({ port: scene.port, clientId: 'c', ...PERSISTENT });
    again.sendPublish('a', 'x', { qos: 2, packetId: 3 });
    await again.expectDisconnect(ReasonCode.receiveMaximumExceeded);
  });

  it('mean nothing to MQTT 3.1.1, which knows no receive maximum', async () => {
    await using scene = await open({ protocolVersion: 4 }, { 'mqtt.receive_maximum': 2 });
    for (const packetId of [1, 2, 3, 4]) scene.client.sendPublish('a', 'x', { qos: 2, packetId });
    for (const packetId of [1, 2, 3, 4]) assert.equal((await scene.client.take('pubrec')).packetId, packetId);
  });

  it('are never too many when each was answered before the next', async () => {
    await using scene = await open({}, { 'mqtt.receive_maximum': 1 });
    for (let count = 0; count < 5; count += 1)
      for (const qos of [1, 2] as const) await scene.client.publish('a', 'x', { qos });
    await scene.client.expectNothing();
  });
});

describe('a message that may not be published', () => {
  async function openRestricted(protocolVersion: 4 | 5) {
    const scene = await open({ protocolVersion });
    const rules = [{ permission: 'allow', action: 'all', topics: ['allowed'] }] as const;
    scene.broker.assembly.access.replace(compileAccessRules(rules));
    return scene;
  }

  it('goes to nobody, and its publisher is told in MQTT 5', async () => {
    await using scene = await openRestricted(5);
    for (const qos of [1, 2] as const)
      assert.equal(await scene.client.publish('other', 'x', { qos }), ReasonCode.notAuthorized);
    scene.client.sendPublish('other', 'x');
    await scene.client.expectNothing();
    assert.equal(scene.broker.count(counterId(METRICS.messagesDroppedTotal, 'not_authorized')), 3);
    assert.equal(await scene.storedCount(), 0);
    const [span] = scene.broker.spansNamed('mqtt/publish');
    assert.equal(attributesOf(span).get(ATTRIBUTES.errorType), 'not_authorized');
  });

  it('is acknowledged like any other in MQTT 3.1.1, which has no words for it [MQTT-3.3.5-2]', async () => {
    await using scene = await openRestricted(4);
    for (const qos of [1, 2] as const) await scene.client.publish('other', 'x', { qos });
    assert.equal(await scene.storedCount(), 0);
  });
});

describe('a message whose payload is announced as UTF-8 and is not', () => {
  it('goes to nobody: its publisher is told, except at QoS 0 (MQTT 5 section 3.3.2.3.2)', async () => {
    await using scene = await open({ protocolVersion: 5 });
    const properties = { payloadFormatIndicator: 1 };
    for (const qos of [1, 2] as const)
      assert.equal(
        await scene.client.publish('a', Buffer.from([0xff]), { qos, properties }),
        ReasonCode.payloadFormatInvalid,
      );
    scene.client.sendPublish('a', Buffer.from([0xff]), { properties });
    await scene.client.expectNothing();
    assert.equal(scene.broker.count(counterId(METRICS.messagesDroppedTotal, 'payload_format')), 3);
    assert.equal(await scene.storedCount(), 0);
    for (const span of scene.broker.spansNamed('mqtt/publish'))
      assert.equal(attributesOf(span).get(ATTRIBUTES.errorType), 'payload_format_invalid');
    assert.equal(scene.broker.spansNamed('mqtt/publish').length, 3);
  });
});

describe('a message that cannot be stored', () => {
  for (const qos of [1, 2] as const)
    it(`is not acknowledged: MQTT 5 is told why, and may try again, QoS ${qos}`, async () => {
      const controlled = controlledJournal();
      await using scene = await open({}, {}, { journal: controlled.journal });
      const answer = qos === 1 ? 'puback' : 'pubrec';
      for (const [verdict, reasonCode] of [
        ['fail', ReasonCode.quotaExceeded],
        ['commit', ReasonCode.noMatchingSubscribers],
      ] as const) {
        scene.client.sendPublish('a', 'x', { qos, packetId: 5 });
        await until(() => controlled.waiting.length === 1);
        controlled.settle(verdict);
        assert.equal((await scene.client.expect(answer)).reasonCode, reasonCode);
      }
      assert.equal(scene.broker.count(counterId(METRICS.messagesDroppedTotal, 'storage_failed')), 1);
    });

  it('ends the connection of an MQTT 3.1.1 client, which would believe any answer', async () => {
    const controlled = controlledJournal();
    await using scene = await open({ protocolVersion: 4 }, {}, { journal: controlled.journal });
    scene.client.sendPublish('a', 'x', { qos: 1 });
    await until(() => controlled.waiting.length === 1);
    controlled.settle('fail');
    await scene.client.expectClose();
  });

  it('as retained is not acknowledged either, though what came with it is', async () => {
    const memory: Placement = new MemoryPlacement();
    let isFull = false;
    const placement = replacing<Placement>(memory, {
      write: (changes, context) =>
        isFull ? Promise.reject(new Error('the disk is full')) : memory.write(changes, context),
    });
    await using scene = await open({}, {}, { placement });
    isFull = true;
    scene.client.send(
      ...[false, true, false].map((retain, index) => ({
        ...({ type: 'publish', topic: 'a', payload: Buffer.from('x'), qos: 1, duplicate: false } as const),
        ...{ retain, packetId: index + 1, properties: {} },
      })),
    );
    const { noMatchingSubscribers, quotaExceeded } = ReasonCode;
    for (const reasonCode of [noMatchingSubscribers, quotaExceeded, noMatchingSubscribers])
      assert.equal((await scene.client.expect('puback')).reasonCode, reasonCode);
    isFull = false;
  });
});
