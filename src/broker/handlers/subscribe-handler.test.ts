import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectOptions } from '../../../test/support/raw-client.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import type { Subscription } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import { PlacementError } from '../../placement/placement.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { replacing } from '../testing/replacing.ts';

const FOREVER = { sessionExpiryInterval: 1000 };
type Settings = Parameters<typeof BrokerUnderTest.start>[0];

/** A client of a broker on a real socket. */
async function open(settings: Settings = {}, options: Partial<ConnectOptions> = {}, placement?: MemoryPlacement) {
  const broker = await BrokerUnderTest.start(settings, placement && { placement });
  const client = await RawClient.connect({ port: await broker.listen(), clientId: 'c', ...options });
  return {
    broker,
    client,
    session: () => broker.assembly.lifecycle.sessions.get('c')!,
    async [Symbol.asyncDispose]() {
      await client.drop();
      await broker[Symbol.asyncDispose]();
    },
  };
}

function request(filter: string, options: Partial<Subscription> = {}): Subscription {
  return { filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0, ...options };
}

/** Placement whose writes wait for the test's word once it has said `hold`. */
function gatedPlacement() {
  const real = new MemoryPlacement();
  const waiting: (() => void)[] = [];
  let isHeld = false;
  let failure: Error | undefined;
  const write: MemoryPlacement['write'] = async (writes) => {
    if (isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
    if (failure !== undefined) throw failure;
    return real.write(writes);
  };
  return {
    placement: replacing(real, { write }),
    hold: () => {
      isHeld = true;
    },
    release: (error?: Error) => {
      isHeld = false;
      failure = error;
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

describe('SUBSCRIBE', () => {
  it('is answered by its identifier [MQTT-3.8.4-2], with one code for each filter in order [MQTT-3.8.4-6]', async () => {
    await using setup = await open({ 'mqtt.max_qos': 1 });
    const subscriptions = ([0, 1, 2] as const).map((qos) => request(`a/${qos}`, { qos }));
    setup.client.send({ type: 'subscribe', packetId: 77, subscriptions, properties: {} });
    const suback = await setup.client.expect('suback');
    assert.deepEqual([suback.packetId, suback.reasonCodes], [77, [0, 1, 1]]);
    const granted = [...setup.broker.assembly.router.subscriptionsOf(setup.session())];
    assert.deepEqual(
      granted.map(({ filter, qos }) => [filter, qos]),
      [
        ['a/0', 0],
        ['a/1', 1],
        ['a/2', 1],
      ],
    );
  });

  it('counts from the moment it is answered', async () => {
    await using setup = await open();
    await setup.client.subscribe('a');
    setup.broker.publish('a', 'x');
    assert.equal(await setup.client.expectPayload(), 'x');
  });

  it('takes the place of the one to the same filter [MQTT-3.8.4-3], which misses nothing by it', async () => {
    await using setup = await open({}, { properties: FOREVER });
    await setup.client.subscribe({ filter: 'a', qos: 2 });
    const { router } = setup.broker.assembly;
    const before = router.find(setup.session(), 'a')!;
    setup.broker.publish('b', 'moves the end of the shard', { qos: 1 });
    await setup.broker.settle();
    await setup.client.subscribe({ filter: 'a', qos: 0, retainAsPublished: true }, { subscriptionIdentifier: 5 });
    const after = router.find(setup.session(), 'a')!;
    assert.deepEqual([after.qos, after.retainAsPublished, after.identifiers], [0, true, [5]]);
    assert.deepEqual([after.since, router.countOf(setup.session())], [before.since, 1]);
    await setup.client.subscribe('later');
    assert.notDeepEqual(router.find(setup.session(), 'later')!.since, before.since);
  });

  it('leaves mqtt/subscribe with what was asked and who asked, and what was decided below it', async () => {
    await using setup = await open();
    setup.client.send({
      type: 'subscribe',
      packetId: 9,
      subscriptions: [request('a'), request('b/#')],
      properties: {},
    });
    await setup.client.expect('suback');
    const [span] = setup.broker.spansNamed('mqtt/subscribe');
    const said = attributesOf(span);
    assert.deepEqual(
      [ATTRIBUTES.mqttClientId, ATTRIBUTES.mqttTopics, ATTRIBUTES.mqttPacketId].map((key) => said.get(key)),
      ['c', ['a', 'b/#'], 9],
    );
    assert.equal(said.get(ATTRIBUTES.robustmqSessionId), String(setup.session().number));
    const below = setup.broker.spans.filter(({ parent }) => parent.type === 'local' && parent.spanId === span!.spanId);
    assert.deepEqual(
      below.map(({ definition }) => definition.name),
      ['auth/validate', 'topic/authorize', 'topic/authorize'],
    );
    assert.equal(setup.broker.count(counterId(METRICS.requestsTotal, 'subscribe')), 1);
    assert.deepEqual(
      [span!.failure, setup.broker.count(counterId(METRICS.requestErrorsTotal, 'subscribe'))],
      [null, 0],
    );
  });
});

describe('a filter is refused, and those beside it are not', () => {
  for (const { why, settings, filter, reason, identifier } of [
    {
      why: 'wildcards are off (section 3.2.2.3.11)',
      settings: { 'mqtt.wildcard_subscription_available': false },
      filter: 'a/+',
      reason: 'wildcardSubscriptionsNotSupported',
    },
    {
      why: 'wildcards are off, and this one is inside a shared filter',
      settings: { 'mqtt.wildcard_subscription_available': false },
      filter: '$share/g/#',
      reason: 'wildcardSubscriptionsNotSupported',
    },
    {
      why: 'shared subscriptions are off (section 3.2.2.3.13)',
      settings: { 'mqtt.shared_subscription_available': false },
      filter: '$share/g/a',
      reason: 'sharedSubscriptionsNotSupported',
    },
    {
      why: 'it has too many levels',
      settings: { 'mqtt.max_topic_levels': 2 },
      filter: 'a/b/c',
      reason: 'topicFilterInvalid',
    },
    {
      why: 'it has too many levels behind the name of its group',
      settings: { 'mqtt.max_topic_levels': 2 },
      filter: '$share/g/a/b/c',
      reason: 'topicFilterInvalid',
    },
    {
      why: 'it is too long',
      settings: { 'mqtt.max_topic_bytes': 10 },
      filter: 'ä'.repeat(6),
      reason: 'topicFilterInvalid',
    },
    {
      why: 'no rule allows it',
      settings: {},
      filter: 'secret/a',
      reason: 'notAuthorized',
    },
    {
      why: 'it carries an identifier and those are off (section 3.2.2.3.12)',
      settings: { 'mqtt.subscription_identifier_available': false },
      filter: 'a',
      reason: 'subscriptionIdentifiersNotSupported',
      identifier: 3,
    },
  ] as const)
    it(why, async () => {
      await using setup = await open(settings);
      setup.broker.assembly.access.replace(
        compileAccessRules([
          { permission: 'deny', action: 'subscribe', topics: ['secret/#'] },
          { permission: 'allow', action: 'all', topics: ['#'] },
        ]),
      );
      const suback = await setup.client.subscribe(
        [request('ok/1'), request(filter), request('ok/2')],
        identifier === undefined ? {} : { subscriptionIdentifier: identifier },
      );
      const others = identifier === undefined ? 1 : ReasonCode[reason];
      assert.deepEqual(suback.reasonCodes, [others, ReasonCode[reason], others]);
      const { router } = setup.broker.assembly;
      assert.equal(router.find(setup.session(), filter), undefined);
      assert.equal(router.countOf(setup.session()), identifier === undefined ? 2 : 0);
      assert.equal(setup.broker.count(counterId(METRICS.requestErrorsTotal, 'subscribe')), 1);
      const [span] = setup.broker.spansNamed('mqtt/subscribe');
      const said = attributesOf(span);
      assert.equal(said.get(ATTRIBUTES.mqttReasonCode), ReasonCode[reason]);
      assert.equal(said.get(ATTRIBUTES.errorType), `mqtt_0x${ReasonCode[reason].toString(16)}`);
      assert.ok(span!.failure !== null);
    });

  it('the session has as many as it may; one that it has may still be changed', async () => {
    await using setup = await open({ 'mqtt.max_subscriptions_per_client': 1 });
    assert.deepEqual((await setup.client.subscribe({ filter: 'a', qos: 0 })).reasonCodes, [0]);
    const suback = await setup.client.subscribe([request('b'), request('a', { qos: 2 })]);
    assert.deepEqual(suback.reasonCodes, [ReasonCode.quotaExceeded, 2]);
    assert.equal(setup.broker.count(counterId(METRICS.limitsHitTotal, 'subscriptions')), 1);
  });

  it('the session has as many as it may, and those withheld count, which it may ask for again', async () => {
    await using setup = await open({ 'mqtt.max_subscriptions_per_client': 1 });
    await setup.client.subscribe('a');
    setup.broker.assembly.access.replace(
      compileAccessRules([{ permission: 'deny', action: 'subscribe', topics: ['a'] }]),
    );
    assert.equal(setup.session().withheld.size, 1);
    const { reasonCodes } = await setup.client.subscribe(['b', 'a']);
    assert.deepEqual(reasonCodes, [ReasonCode.quotaExceeded, ReasonCode.notAuthorized]);
  });

  it('which MQTT 3.1.1 knows only as 0x80 [MQTT-3.9.3-2 of 3.1.1]', async () => {
    await using setup = await open({ 'mqtt.max_topic_levels': 2 }, { protocolVersion: 4 });
    const { reasonCodes } = await setup.client.subscribe([request('a/b/c'), request('a')]);
    assert.deepEqual(reasonCodes, [0x80, 1]);
  });

  it('not for the levels of a group, which are none of the topic', async () => {
    await using setup = await open({ 'mqtt.max_topic_levels': 2 });
    assert.deepEqual((await setup.client.subscribe('$share/g/a/b')).reasonCodes, [2]);
  });
});

describe('retained messages', () => {
  /** Subscribes twice; returns what came with each time. */
  async function subscribeTwice(filter: string, retainHandling: 0 | 1 | 2) {
    await using setup = await open();
    setup.broker.publish('a', 'kept', { retain: true });
    const got: string[][] = [];
    for (let time = 0; time < 2; time += 1) {
      await setup.client.subscribe({ filter, retainHandling });
      await setup.broker.settle();
      setup.broker.publish('a', 'end');
      const texts = [await setup.client.expectPayload()];
      while (texts.at(-1) !== 'end') texts.push(await setup.client.expectPayload());
      got.push(texts.slice(0, -1));
    }
    return got;
  }

  it('come with every subscription with retain handling 0 [MQTT-3.3.1-9] [MQTT-3.8.4-4]', async () => {
    assert.deepEqual(await subscribeTwice('a', 0), [['kept'], ['kept']]);
  });

  it('come only with a new one with retain handling 1 [MQTT-3.3.1-10]', async () => {
    assert.deepEqual(await subscribeTwice('a', 1), [['kept'], []]);
  });

  it('do not come with retain handling 2 [MQTT-3.3.1-11]', async () => {
    assert.deepEqual(await subscribeTwice('a', 2), [[], []]);
  });

  it('do not come with a shared subscription (section 4.8.2)', async () => {
    assert.deepEqual(await subscribeTwice('$share/g/a', 0), [[], []]);
  });

  it('do not come when the filter was given up before it was acknowledged', async () => {
    const { placement, hold, release } = gatedPlacement();
    await using setup = await open({}, { properties: FOREVER }, placement);
    setup.broker.publish('a', 'kept', { retain: true });
    await setup.broker.settle();
    hold();
    setup.client.send(
      { type: 'subscribe', packetId: 1, subscriptions: [request('a')], properties: {} },
      { type: 'unsubscribe', packetId: 2, filters: ['a'], properties: {} },
    );
    await setup.client.expectNothing();
    release();
    await setup.client.expect('suback');
    await setup.client.expect('unsuback');
    await setup.broker.settle();
    await setup.client.expectNothing();
  });
});

describe('UNSUBSCRIBE', () => {
  it('is answered by its identifier, with what became of each filter [MQTT-3.10.4-5] [MQTT-3.11.3-1]', async () => {
    await using setup = await open();
    await setup.client.subscribe('a');
    setup.client.send({ type: 'unsubscribe', packetId: 78, filters: ['b', 'a'], properties: {} });
    const unsuback = await setup.client.expect('unsuback');
    assert.deepEqual(
      [unsuback.packetId, unsuback.reasonCodes],
      [78, [ReasonCode.noSubscriptionExisted, ReasonCode.success]],
    );
    assert.equal(setup.broker.count(counterId(METRICS.requestsTotal, 'unsubscribe')), 1);
    const [span] = setup.broker.spansNamed('mqtt/unsubscribe');
    const said = attributesOf(span);
    assert.deepEqual([said.get(ATTRIBUTES.mqttTopics), said.get(ATTRIBUTES.mqttPacketId)], [['b', 'a'], 78]);
  });

  it('ends what comes by that filter, character by character [MQTT-3.10.4-1] [MQTT-3.10.4-2]', async () => {
    await using setup = await open();
    await setup.client.subscribe(['a/b', 'a/+']);
    await setup.client.unsubscribe('a/+');
    setup.broker.publish('a/b', 'one copy');
    setup.broker.publish('a/c', 'none');
    setup.broker.publish('a/b', 'end');
    assert.deepEqual([await setup.client.expectPayload(), await setup.client.expectPayload()], ['one copy', 'end']);
  });

  it('takes back the retained messages of that filter, and no others, that are still owed', async () => {
    await using setup = await open();
    for (const topic of ['a/1', 'b/1']) setup.broker.publish(topic, topic, { retain: true });
    const { router, retained } = setup.broker.assembly;
    await setup.client.subscribe([request('a/+', { retainHandling: 2 }), request('b/+', { retainHandling: 2 })]);
    const session = setup.session();
    session.owedRetained = ['a/+', 'b/+'].map((filter) => {
      const subscription = router.find(session, filter)!;
      return { subscription, topics: retained.matching(filter), waiting: undefined };
    });
    await setup.client.unsubscribe('a/+');
    setup.broker.assembly.catchUp.wake(session);
    await setup.broker.settle();
    assert.equal(await setup.client.expectPayload(), 'b/1');
    await setup.client.expectNothing();
  });
});

describe('the subscriptions of a session that stays', () => {
  it('are acknowledged when they are durable, and survive the broker then', async () => {
    const { placement, hold, release } = gatedPlacement();
    await using setup = await open({}, { properties: FOREVER }, placement);
    hold();
    setup.client.send({ type: 'subscribe', packetId: 1, subscriptions: [request('a')], properties: {} });
    await setup.client.expectNothing();
    release();
    await setup.client.expect('suback');
    await setup.broker.crash();
    const { router } = setup.broker.assembly;
    assert.deepEqual(
      [...router.subscriptionsOf(setup.session())].map(({ filter, qos }) => [filter, qos]),
      [['a', 1]],
    );
  });

  it('are gone for good when that is acknowledged', async () => {
    await using setup = await open({}, { properties: FOREVER });
    await setup.client.subscribe(['a', 'b']);
    await setup.client.unsubscribe('a');
    await setup.broker.crash();
    const { router } = setup.broker.assembly;
    assert.deepEqual(
      [...router.subscriptionsOf(setup.session())].map(({ filter }) => filter),
      ['b'],
    );
  });

  it('are not acknowledged when they cannot be stored: the client is told, and the trace', async () => {
    const { placement, hold, release } = gatedPlacement();
    await using setup = await open({}, { properties: FOREVER }, placement);
    hold();
    setup.client.send({ type: 'subscribe', packetId: 1, subscriptions: [request('a')], properties: {} });
    await setup.client.expectNothing();
    release(new PlacementError('no_space', 'the disk is full'));
    await setup.client.expectDisconnect(ReasonCode.unspecifiedError);
    const [span] = setup.broker.spansNamed('mqtt/subscribe');
    const said = attributesOf(span);
    assert.equal(said.get(ATTRIBUTES.errorType), 'storage_failed');
    assert.equal(span!.failure?.thrown?.message, 'the disk is full');
    const line = setup.broker.telemetry.logLines.find(({ event }) => event === 'connection.broken');
    assert.deepEqual([line?.trace_id, line?.span_id], [span!.traceId, span!.spanId]);
    release();
  });
});
