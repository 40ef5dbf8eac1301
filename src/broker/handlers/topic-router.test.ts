import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_SHARD, writeRoutes } from '../../placement/routes.ts';
import { ATTRIBUTES } from '../../telemetry/catalogue.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { TopicRouter } from './topic-router.ts';

/** Messages below `volatile/` need not survive; `route` says where one to the topic goes. */
async function open() {
  const broker = await BrokerUnderTest.start({ 'topic_rules.0.filter': 'volatile/#', 'topic_rules.0.durable': false });
  const { shards, ingests, topics } = broker.assembly;
  const router = new TopicRouter(shards, new Map(ingests.map((ingest) => [ingest.shard.number, ingest])));
  return {
    broker,
    route(topic: string): string {
      const name = Buffer.from(topic);
      return router.ingestOf(topics.intern(name, 0, name.length)).shard.name;
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

describe('a topic goes to the shard', () => {
  it('that the routes name, or to the durable one where none does', async () => {
    await using setup = await open();
    assert.deepEqual([setup.route('volatile/a'), setup.route('other')], ['volatile', DEFAULT_SHARD]);
  });

  it('that it went to before, until the routes change', async () => {
    await using setup = await open();
    const topics = ['volatile/a', 'other'];
    const before = topics.map((topic) => setup.route(topic));
    const again = topics.map((topic) => setup.route(topic));
    await writeRoutes(setup.broker.placement, [{ filter: 'other', shard: 'volatile' }]);
    const after = topics.map((topic) => setup.route(topic));
    assert.deepEqual(
      [before, again, after],
      [
        ['volatile', DEFAULT_SHARD],
        ['volatile', DEFAULT_SHARD],
        [DEFAULT_SHARD, 'volatile'],
      ],
    );
  });
});

describe('the way of a traced message to its shard', () => {
  it('shows as metadata/query and cluster/route below the span it is persisted under', async () => {
    await using setup = await open();
    setup.broker.publish('volatile/a', 'x', { qos: 1 });
    await setup.broker.settle();
    const [parent] = setup.broker.spansNamed('storage/persist');
    const [query] = setup.broker.spansNamed('metadata/query');
    const [route] = setup.broker.spansNamed('cluster/route');
    const below = { type: 'local', spanId: parent!.spanId };
    assert.deepEqual([query?.parent, route?.parent], [below, below]);
    const said = attributesOf(route);
    assert.deepEqual([said.get(ATTRIBUTES.mqttTopic), said.get(ATTRIBUTES.shardRoute)], ['volatile/a', 'volatile']);
  });

  it('follows a change of the routes like any other', async () => {
    await using setup = await open();
    setup.broker.publish('other', 'x', { qos: 1 });
    await setup.broker.settle();
    await writeRoutes(setup.broker.placement, [{ filter: '#', shard: 'volatile' }]);
    setup.broker.publish('other', 'x', { qos: 1 });
    await setup.broker.settle();
    const shards = setup.broker
      .spansNamed('cluster/route')
      .map((span) => attributesOf(span).get(ATTRIBUTES.shardRoute));
    assert.deepEqual(shards, [DEFAULT_SHARD, 'volatile']);
  });

  it('leaves no span for a message that goes to none', async () => {
    await using setup = await open();
    setup.broker.publish('volatile/a', 'x');
    assert.deepEqual([setup.broker.spansNamed('metadata/query'), setup.broker.spansNamed('cluster/route')], [[], []]);
  });
});
