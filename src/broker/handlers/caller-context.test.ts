import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configSchema, type ListenerConfig } from '../../config/schema.ts';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import { FrameScan, scanFrame } from '../../mqtt/frame.ts';
import { parsePublish } from '../../mqtt/parse-publish.ts';
import type { UserProperty } from '../../mqtt/property.ts';
import { PublishView } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { traceIdOf } from '../../telemetry/trace-context.ts';
import { type Caller, CallerContext } from './caller-context.ts';

const NOW = 1_700_000_000_000;
const TRACE_ID = 'ab'.repeat(16);
const HEADER = `00-${TRACE_ID}-${'cd'.repeat(8)}-01`;
const [LISTENER] = configSchema.parse({}).listeners as [ListenerConfig];

/** A PUBLISH with these user properties, as the broker sees it. */
function published(...userProperties: readonly UserProperty[]): { buffer: Buffer; view: PublishView } {
  const flags = { qos: 0, retain: false, duplicate: false, packetId: 0 } as const;
  const packet = {
    type: 'publish',
    topic: 'a',
    payload: Buffer.alloc(0),
    ...flags,
    properties: { userProperties },
  } as const;
  const buffer = Buffer.from(encodePacket(packet, 5));
  const frame = new FrameScan();
  scanFrame(buffer, 0, buffer.length, Number.POSITIVE_INFINITY, frame);
  const view = new PublishView();
  assert.equal(parsePublish(buffer, frame.headerByte, frame.bodyStart, frame.end, 5, view), ReasonCode.success);
  return { buffer, view };
}

describe('the context a publisher sends', () => {
  it('is as much worth as its listener says, and nothing where it is none or there twice', () => {
    const caller = new CallerContext(0);
    const { buffer, view } = published(['traceparent', HEADER]);
    for (const [traceContext, trust] of [
      ['follow', 'follow'],
      ['link', 'link'],
      ['ignore', 'none'],
    ] as const)
      assert.equal(caller.read({ ...LISTENER, traceContext }, buffer, view), trust);
    assert.equal(traceIdOf(caller.bytes), TRACE_ID);
    for (const headers of [[HEADER, HEADER], ['00'], [HEADER.padEnd(65_535, '0')]]) {
      const other = published(...headers.map((header): UserProperty => ['traceparent', header]));
      assert.equal(caller.read(LISTENER, other.buffer, other.view), 'none');
    }
  });

  it('has its tracestate in one piece or in many, and none that nobody would read', () => {
    const stateOf = (...values: readonly string[]): string => {
      const { buffer, view } = published(...values.map((value): UserProperty => ['tracestate', value]), ['a', 'b']);
      return new CallerContext(0).traceState(buffer, view);
    };
    assert.equal(stateOf('x=1,ot=th:8', 'y=2'), 'x=1,ot=th:8,y=2');
    assert.equal(stateOf(), '');
    assert.equal(stateOf('x'.repeat(5000)), '');
  });

  const sender = (listener: ListenerConfig): Caller => ({ listener, forcedShare: undefined });

  it('chooses traces within what its listener allows, each listener for itself', () => {
    const caller = new CallerContext(2);
    const { buffer, view } = published(['traceparent', HEADER]);
    caller.read(LISTENER, buffer, view);
    const taken = (listener: ListenerConfig): (boolean | undefined)[] =>
      [1, 2, 3].map(() => caller.forced(sender(listener), NOW)?.take(NOW));
    assert.deepEqual(taken(LISTENER), [true, true, false]);
    assert.deepEqual(taken({ ...LISTENER, name: 'other', maxForcedTracesPerSecond: 1 }), [true, false, false]);
    assert.deepEqual(taken({ ...LISTENER, name: 'free', maxForcedTracesPerSecond: 0 }), [
      undefined,
      undefined,
      undefined,
    ]);
    assert.deepEqual(taken(LISTENER), [false, false, false]);
    assert.equal(caller.forced(sender(LISTENER), NOW + 1000)?.take(NOW + 1000), true);
  });

  it('leaves to others what one client does not need for itself', () => {
    const caller = new CallerContext(1000);
    const { buffer, view } = published(['traceparent', HEADER]);
    caller.read(LISTENER, buffer, view);
    const [greedy, modest] = [sender(LISTENER), sender(LISTENER)];
    const share = caller.forced(greedy, NOW)!;
    assert.equal(caller.forced(greedy, NOW), share);
    while (share.take(NOW));
    assert.equal(caller.forced(modest, NOW)?.take(NOW), true);
  });

  it('has no share to remember where its flag is not set', () => {
    const caller = new CallerContext(1000);
    const { buffer, view } = published(['traceparent', HEADER.replace(/01$/, '00')]);
    caller.read(LISTENER, buffer, view);
    const quiet = sender(LISTENER);
    assert.deepEqual([caller.forced(quiet, NOW), quiet.forcedShare], [undefined, undefined]);
  });
});
