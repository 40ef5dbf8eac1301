import fc from 'fast-check';
import type { SessionEventVisitor } from '../session-event.ts';

/** A call of a visitor's method, as data. */
export type TestEvent = {
  [Kind in keyof SessionEventVisitor]: [Kind, ...Parameters<SessionEventVisitor[Kind]>];
}[keyof SessionEventVisitor];

export function play([kind, ...values]: TestEvent, visitor: SessionEventVisitor): void {
  (visitor[kind] as (...values: number[]) => void).apply(visitor, values);
}

const uint48 = fc.maxSafeNat().map((value) => value % 2 ** 48);
const packetId = fc.integer({ min: 1, max: 65_535 });
const shard = fc.nat(65_535);

export const anyEvent: fc.Arbitrary<TestEvent> = fc.oneof(
  fc.tuple(
    fc.constant('sent' as const),
    uint48,
    packetId,
    fc.integer({ min: 1, max: 2 }),
    shard,
    uint48,
    fc.nat(0xffff_ffff),
  ),
  fc.tuple(fc.constant('acknowledged' as const), uint48, packetId),
  fc.tuple(fc.constant('received' as const), uint48, packetId),
  fc.tuple(fc.constant('released' as const), uint48, packetId, shard, uint48),
  fc.tuple(fc.constant('ended' as const), uint48),
);
