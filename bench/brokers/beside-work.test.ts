import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { besideWork } from './beside-work.ts';
import type { BrokerKind, RunningBroker } from './broker.ts';

const running: RunningBroker = {
  port: 1,
  pid: process.pid,
  adminPort: undefined,
  assertRunning() {},
  async stop() {},
};
const kind: BrokerKind = { name: 'some', exportsTraces: false, version: () => '1', start: async () => running };

describe('a broker beside which another process works', () => {
  it('is named by the broker and the share of a core', () => {
    assert.equal(besideWork('some+20', [kind])?.name, 'some+20');
    for (const name of ['some', 'some+', 'some+0', 'some+200', 'other+20', 'some@HEAD'])
      assert.equal(besideWork(name, [kind]), undefined, name);
  });

  it('has that process as long as it runs', async () => {
    const children = (): number => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
    const before = children();
    const broker = await besideWork('some+50', [kind])!.start({
      pinned: false,
      otlpEndpoint: undefined,
      samplingRate: 0,
    });
    assert.equal(children(), before + 1);
    await broker.stop();
    for (let wait = 0; children() > before && wait < 100; wait += 1) await sleep(50);
    assert.equal(children(), before);
  });
});
