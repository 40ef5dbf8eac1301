import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from './support/metric.ts';
import { maySmallDisk, SmallDisk } from './support/small-disk.ts';
import { StrictClient } from './support/strict-client.ts';

const PAYLOAD = 'x'.repeat(2000);

describe('a full disk', { skip: maySmallDisk ? false : 'unshare -rm is not permitted: no small disk to fill' }, () => {
  test('publishers hear of it, nothing is acknowledged that is not kept, and the broker goes on when there is room', async () => {
    await using disk = await SmallDisk.create();
    let broker = await disk.startBroker();
    const subscriber = new StrictClient('subscriber');
    await subscriber.connect(broker.port);
    await subscriber.subscribe('full/#');
    await subscriber.drop();
    await disk.fill();

    await using modern = await RawClient.connect({ port: broker.port });
    let kept = 0;
    for (let reasonCode: ReasonCode = ReasonCode.success; reasonCode < 0x80; kept += 1) {
      reasonCode = await modern.publish('full/modern', `${kept} ${PAYLOAD}`, { qos: 1 });
      assert(
        [ReasonCode.success, ReasonCode.noMatchingSubscribers, ReasonCode.quotaExceeded].includes(reasonCode as 0),
      );
    }
    kept -= 1;
    assert.equal(await modern.publish('full/modern', PAYLOAD, { qos: 2 }), ReasonCode.quotaExceeded);
    const old = await RawClient.connect({ port: broker.port, protocolVersion: 4 });
    old.sendPublish('full/old', PAYLOAD, { qos: 1 });
    await old.expectClose();

    await disk.free();
    await until('there is room again', async () => (await modern.publish('full/after', PAYLOAD, { qos: 1 })) < 0x80);
    await modern.publish('full/after', 'without a restart', { qos: 1 });
    await broker.kill('SIGKILL');
    broker = await disk.startBroker();
    await subscriber.connect(broker.port);
    await subscriber.receives('full/after', 'without a restart');
    const expected = Array.from({ length: kept }, (_, index) => `${index} ${PAYLOAD}`);
    assert.deepEqual(subscriber.payloadsOf('full/modern'), expected);
    assert.deepEqual(subscriber.payloadsOf('full/old'), []);
    await subscriber.drop();
  });
});
