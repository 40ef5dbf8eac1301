import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { TracedBroker } from './support/traced-broker.ts';

const PERSISTENT = { cleanStart: false, properties: { sessionExpiryInterval: 60 } } as const;
const RULES = `
[[authorization.rules]]
permission = "deny"
action = "publish"
topics = ["secret"]
[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["#"]
`;
const stage = (name: string): string => `robustmq_stage_duration_seconds_count{stage="${name}"}`;

describe('the stages of messages in /metrics', () => {
  it('count each message once in each stage it goes through', async () => {
    await using traced = await TracedBroker.start();
    for (const protocolVersion of [4, 5] as const) {
      await using subscriber = await traced.connect({ clientId: `s${protocolVersion}`, protocolVersion });
      await using publisher = await traced.connect({ protocolVersion });
      await subscriber.subscribe({ filter: 't', qos: 2 });
      for (const qos of [0, 1, 2] as const) {
        await publisher.publish('t', 'm', { qos });
        await subscriber.receive();
      }
      // Nobody wants it: it is admitted, stored and pushed to nobody.
      await publisher.publish('nobody', 'm', { qos: 1 });
      await subscriber.expectNothing();
    }
    const metrics = await traced.metrics();
    const seen = Object.fromEntries(
      ['admit', 'store', 'commit', 'push', 'confirm', 'catch_up'].map((name) => [name, metrics.get(stage(name))]),
    );
    assert.deepEqual(seen, { admit: 8, store: 6, commit: 6, push: 8, confirm: 4, catch_up: 0 });
  });

  it('count a read of the journal for a session that was away', async () => {
    await using traced = await TracedBroker.start();
    const away = await traced.connect({ clientId: 'away', ...PERSISTENT });
    await away.subscribe('t');
    await away.disconnect();
    await using publisher = await traced.connect();
    await publisher.publish('t', 'm', { qos: 1 });
    await using back = await traced.connect({ clientId: 'away', ...PERSISTENT });
    await back.receive();
    await back.expectNothing();
    const metrics = await traced.metrics();
    assert.equal(metrics.get(stage('catch_up')), 1);
    assert.equal(metrics.get(stage('confirm')), 1);
    // Since it was sent, not since it was published.
    assert.ok(metrics.get('robustmq_stage_duration_seconds_sum{stage="confirm"}')! < 60);
  });
});

describe('what was refused', () => {
  it('has a duration like any request', async () => {
    await using traced = await TracedBroker.start({
      settings: { 'journal.engine': 'memory', 'journal.memory_bytes': 4096 },
      toml: RULES,
    });
    await using client = await traced.connect();
    assert.equal(await client.publish('secret', '', { qos: 1 }), ReasonCode.notAuthorized);
    assert.equal(await client.publish('huge', 'x'.repeat(8192), { qos: 1 }), ReasonCode.quotaExceeded);
    await client.expectNothing();
    const metrics = await traced.metrics();
    for (const name of ['requests_total', 'request_errors_total', 'request_duration_seconds_count'])
      assert.equal(metrics.get(`robustmq_${name}{operation="publish"}`), 2, name);
    assert.equal(metrics.get('robustmq_ingest_queue_bytes{shard="default"}'), 0);
  });
});
