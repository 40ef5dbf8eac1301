import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { textOf } from '../testing/packet-stream.ts';

describe('system topics', () => {
  it('are published when they have changed', async () => {
    await using broker = await BrokerUnderTest.start();
    const { systemTopics } = broker.assembly;
    const client = await broker.connect('c');
    await broker.subscribe(client, '$SYS/broker/uptime');
    const update = (): string[] => {
      systemTopics.update();
      return client.takeMessages().map(textOf);
    };
    assert.deepEqual(update(), ['0 seconds']);
    assert.deepEqual(update(), []);
    broker.clock.advanceSeconds(2);
    assert.deepEqual(update(), ['2 seconds']);
  });

  it('are the same for every run of the broker but never those of the last', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.assembly.systemTopics.update();
    assert.ok([...broker.assembly.retained.matching('$SYS/#')].length > 0);
    await broker.settle();
    await broker.crash();
    assert.deepEqual([...broker.assembly.retained.matching('$SYS/#')], []);
  });
});
