import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RawClient } from '../../../test/support/raw-client.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import type { Packet } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { treeOf } from '../testing/span-tree.ts';
import type { TestClient } from '../testing/test-client.ts';

const ACCESS = ['  auth/validate'];
const STORING = [
  '  storage/persist',
  '    cluster/route',
  '    journal/commit',
  '    journal/write',
  '      index/update',
  '      segment/append',
  '      storage/journal.write',
  '    metadata/query',
];
const ROUTING = ['  subscription/match', '  topic/authorize'];

/** A publisher and a subscriber at QoS 2 on real sockets. */
async function open(version: 4 | 5 = 5) {
  const broker = await BrokerUnderTest.start();
  const port = await broker.listen();
  const publisher = await RawClient.connect({ port, clientId: 'publisher', protocolVersion: version });
  const subscriber = await RawClient.connect({ port, clientId: 'subscriber', protocolVersion: version });
  await subscriber.subscribe('a');
  return {
    broker,
    publisher,
    subscriber,
    /** The whole of the only message's trace, when the broker has dealt with all that both clients sent. */
    async tree(): Promise<string[]> {
      await subscriber.expectNothing();
      await publisher.expectNothing();
      const [span, ...others] = broker.spansNamed('mqtt/publish');
      assert.deepEqual(others, []);
      assert.equal(broker.telemetry.recording.openSpans, 0);
      const tree = treeOf(broker.spans, span!);
      assert.equal(broker.spans.filter(({ traceId }) => traceId === span!.traceId).length, tree.length);
      return tree;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([publisher.drop(), subscriber.drop()]);
      await broker[Symbol.asyncDispose]();
    },
  };
}

describe('the spans of a message', () => {
  for (const version of [4, 5] as const)
    it(`at QoS 0 are what was done for it (MQTT ${version})`, async () => {
      await using setup = await open(version);
      await setup.publisher.publish('a', 'x');
      await setup.subscriber.receive();
      assert.deepEqual(await setup.tree(), ['mqtt/publish', ...ACCESS, '  client/push', ...ROUTING]);
    });

  it('at QoS 1 lead from the publisher to the acknowledgement of the subscriber', async () => {
    await using setup = await open();
    await setup.publisher.publish('a', 'x', { qos: 1 });
    await setup.subscriber.receive();
    assert.deepEqual(await setup.tree(), [
      'mqtt/publish',
      ...ACCESS,
      ...['  client/push', '    delivery/confirm', '      mqtt/puback'],
      ...STORING,
      ...ROUTING,
    ]);
  });

  it('at QoS 2 show the four steps of either side', async () => {
    await using setup = await open();
    await setup.publisher.publish('a', 'x', { qos: 2 });
    await setup.subscriber.receive();
    assert.deepEqual(await setup.tree(), [
      'mqtt/publish',
      ...ACCESS,
      ...['  client/push', '    delivery/confirm', '      mqtt/pubcomp', '      mqtt/pubrec'],
      '  mqtt/pubrel',
      ...STORING,
      ...ROUTING,
    ]);
  });

  it('end where the subscriber refuses at QoS 2, by the packet that it does so with', async () => {
    for (const refusal of ['pubrec', 'pubcomp'] as const) {
      await using setup = await open();
      const { subscriber } = setup;
      await setup.publisher.publish('a', 'x', { qos: 2 });
      const { packetId } = await subscriber.expect('publish');
      if (refusal === 'pubcomp') {
        subscriber.sendAck('pubrec', packetId);
        await subscriber.take('pubrel');
      }
      const { quotaExceeded, packetIdentifierNotFound } = ReasonCode;
      subscriber.sendAck(refusal, packetId, refusal === 'pubrec' ? quotaExceeded : packetIdentifierNotFound);
      const tree = await setup.tree();
      const acks = tree.filter((line) => line.startsWith('      mqtt/')).map((line) => line.trim());
      assert.deepEqual(acks, refusal === 'pubrec' ? ['mqtt/pubrec'] : ['mqtt/pubcomp', 'mqtt/pubrec']);
      assert.ok(setup.broker.spansNamed('delivery/confirm')[0]!.failure);
    }
  });
});

describe('nothing of a message stays open', () => {
  it('that is refused, or repeated before it is released', async () => {
    await using setup = await open();
    const { broker, publisher } = setup;
    broker.assembly.access.replace(compileAccessRules([{ permission: 'allow', action: 'publish', topics: ['other'] }]));
    for (const qos of [0, 1, 2] as const) await publisher.publish('secret', 'x', { qos });
    const options = { qos: 2, packetId: 9 } as const;
    for (const duplicate of [false, true]) {
      publisher.sendPublish('other', 'x', { ...options, duplicate });
      await publisher.take('pubrec');
    }
    await publisher.expectNothing();
    assert.deepEqual([broker.spansNamed('mqtt/publish').length, broker.telemetry.recording.openSpans], [5, 0]);
    assert.equal(broker.spansNamed('storage/persist').length, 1, 'a repeat is not published again');
  });

  it('whose subscriber goes, is taken over, comes clean, or has acknowledged in the same read', async () => {
    await using broker = await BrokerUnderTest.start();
    const { acks } = broker.assembly;
    const { recording } = broker.telemetry;
    const persistent = { expirySeconds: 1000 };
    for (const end of ['close', 'take over', 'come clean', 'acknowledge'] as const) {
      const client = await broker.connect('c', persistent);
      await broker.subscribe(client, 'a', { qos: 1 });
      await broker.settle();
      broker.publish('a', end, { qos: 1 });
      await broker.settle();
      const [packet] = client.takeMessages().slice(-1);
      assert.ok(recording.openSpans > 0, 'the subscriber has not answered yet');
      if (end === 'acknowledge') acks.acknowledge(client, PacketType.puback, packet!.packetId, ReasonCode.success);
      if (end === 'take over' || end === 'come clean')
        await broker.connect('c', { ...persistent, cleanStart: end === 'come clean', expirySeconds: 0 });
      client.close(CLOSE_REASONS.clientClosed);
      acks.endRead();
      broker.assembly.lifecycle.sessions.get('c')?.receiver?.close(CLOSE_REASONS.clientClosed);
      await broker.settle();
      assert.equal(recording.openSpans, 0, end);
    }
  });

  it('that is acknowledged before its subscriber can have seen it', async () => {
    await using broker = await BrokerUnderTest.start();
    const { acks } = broker.assembly;
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { qos: 1 });
    for (const packetId of [1, 2]) {
      broker.publish('a', 'x', { qos: 1 });
      await broker.settle();
      acks.acknowledge(client, PacketType.puback, packetId, ReasonCode.success);
      broker.clock.advanceSeconds(1);
    }
    acks.endRead();
    const [, push] = broker.spansNamed('client/push');
    assert.equal(push!.endedAt, push!.startedAt, 'not before it began');
    assert.equal(broker.telemetry.recording.openSpans, 0);
  });

  const who = fc.nat(3);
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('publish' as const),
        qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
        retain: fc.boolean(),
        expirySeconds: fc.constantFrom(-1, 1),
        times: fc.constantFrom(1, 3),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('answer' as const),
        who,
        isRefusal: fc.boolean(),
        isEnded: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('connect' as const),
        who,
        cleanStart: fc.boolean(),
        isLasting: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constantFrom('lose' as const, 'fill' as const, 'saturate' as const, 'drain' as const),
        who,
      }),
    },
    { weight: 3, arbitrary: fc.constantFrom({ type: 'settle' } as const, { type: 'second' } as const) },
  );
  type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

  /** Four clients, each with a will, that subscribe to everything by themselves and as a group. */
  class Scene {
    readonly broker: BrokerUnderTest;
    readonly #clients: TestClient[] = [];
    readonly #unanswered: Packet[][] = [];

    constructor(broker: BrokerUnderTest) {
      this.broker = broker;
    }

    async connect(index: number, cleanStart: boolean, isLasting: boolean): Promise<void> {
      const { broker } = this;
      const will = {
        topic: 'a',
        payload: Buffer.from('gone'),
        qos: (index % 3) as 0 | 1 | 2,
        retain: false,
        properties: {},
      };
      const options = { cleanStart, expirySeconds: isLasting ? 1000 : 0, receiveMaximum: 2, will };
      const client = await broker.connect(`c${index}`, options);
      for (const filter of ['#', '$share/g/#']) await broker.subscribe(client, filter, { qos: 2 });
      this.#clients[index] = client;
      this.#unanswered[index] = [];
    }

    async play(step: Step): Promise<void> {
      const { broker } = this;
      if (step.type === 'publish') for (let time = 0; time < step.times; time += 1) broker.publish('a', 'x', step);
      else if (step.type === 'connect') await this.connect(step.who, step.cleanStart, step.isLasting);
      else if (step.type === 'answer') this.#answer(step.who, step.isRefusal, step.isEnded);
      else if (step.type === 'settle') await broker.settle();
      else if (step.type === 'second') {
        broker.clock.advanceSeconds(1);
        broker.assembly.lifecycle.tick(broker.clock.now());
      } else this.#change(step.type, this.#clients[step.who]!);
    }

    #change(type: 'lose' | 'fill' | 'saturate' | 'drain', client: TestClient): void {
      if (type === 'lose') client.close(CLOSE_REASONS.socketError);
      else if (type === 'fill') client.full = !client.full;
      else if (type === 'saturate') client.saturated = true;
      else if (!client.closed) this.broker.drain(client);
    }

    /** Answers one packet, so that its identifier is the next to be given. */
    #answer(who: number, isRefusal: boolean, isEnded: boolean): void {
      const client = this.#clients[who]!;
      const unanswered = this.#unanswered[who]!;
      if (client.closed) return;
      unanswered.push(...client.take());
      const packet = unanswered.shift();
      if (packet === undefined) return;
      const { acks } = this.broker.assembly;
      client.session!.window.nextPacketId = 1;
      if (isRefusal && packet.type === 'publish' && packet.qos > 0) {
        const type = packet.qos === 1 ? PacketType.puback : PacketType.pubrec;
        acks.acknowledge(client, type, packet.packetId, ReasonCode.quotaExceeded);
        if (isEnded) acks.endRead();
      } else this.broker.answer(client, packet);
    }
  }

  it('whatever happens to it and to its subscribers, and all its spans can be read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        await using broker = await BrokerUnderTest.start();
        const scene = new Scene(broker);
        for (let index = 0; index < 4; index += 1) await scene.connect(index, true, index < 2);
        for (const step of steps) await scene.play(step);
        broker.assembly.acks.endRead();
        await broker.settle();
        const { recording, spans } = broker.telemetry;
        assert.equal(spans.length, recording.recordedSpans);
        for (const { definition, startedAt, endedAt } of spans) assert.ok(startedAt <= endedAt, definition.name);
      }),
      { numRuns: 100 },
    );
  });
});
