import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DISCREET } from '../attribute-policy.ts';
import { OtlpSpanEncoder } from '../otlp/span-encoder.ts';
import { Expander } from '../records/expand/expander.ts';
import { slice } from '../records/expand/record-source.ts';
import { arbitrarySteps, RecordedScene } from '../records/testing/recorded-scene.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KEEP_REASON_INDEX } from '../sampling/keep-reason.ts';
import { decodeFields } from '../testing/otlp-decoder.ts';
import { KeptVisitor } from './kept-visitor.ts';
import { UnitEncoder } from './unit-encoder.ts';

const STATES = ['', 'ot=th:c', 'vendor=1'].map(slice);

function newEncoder(maxBytes = 2 ** 24): OtlpSpanEncoder {
  const resources = { broker: {}, placement: {}, journal: {} };
  return new OtlpSpanEncoder({ resources, serviceVersion: '', schemaUrl: '', maxBytes });
}

/** Counts the spans that are shown and not copied. */
class CountingVisitor extends KeptVisitor {
  shown = 0;

  override begin(...span: Parameters<KeptVisitor['begin']>): void {
    this.shown += 1;
    super.begin(...span);
  }
}

type Show = (expander: Expander, reader: RingReader, at: number, unit: number) => void;

/** Goes through all that was recorded; every few units are kept for another reason. */
function encode({ recording }: RecordedScene, kept: KeptVisitor, isHashed: boolean, show: Show): void {
  const reader = new RingReader(recording.ring);
  const policy = isHashed
    ? { ...DISCREET, clientId: 'hash' as const, userName: 'hash' as const, hashKey: 'key' }
    : DISCREET;
  const expander = new Expander(reader, recording.seed, { cluster: 'c', brokerId: 'b' }, policy);
  let shown = 0;
  for (let at = reader.next(); at >= 0; at = reader.next()) {
    const expansion = expander.of(reader.block, at);
    const units = expansion?.units(reader.block, at) ?? 0;
    for (let unit = 0; unit < units; unit += 1, shown += 1) {
      kept.reason = 1 + (shown % 100 < 90 ? KEEP_REASON_INDEX.head : KEEP_REASON_INDEX.slow);
      kept.state = STATES[shown % 80 < 70 ? 0 : shown % 3]!;
      show(expander, reader, at, unit);
    }
    reader.advance(0);
  }
}

describe('UnitEncoder', () => {
  it('makes of units that are copied what it would make of them if each were shown', () => {
    let copied = 0;
    fc.assert(
      fc.property(arbitrarySteps, fc.boolean(), (played, isHashed) => {
        const scene = new RecordedScene();
        for (const what of played) scene.play(what);
        const plain = newEncoder();
        const plainKept = new KeptVisitor(plain);
        encode(scene, plainKept, isHashed, (expander, { block }, at, unit) => {
          expander.of(block, at)!.show(block, at, unit, plainKept);
        });
        const encoder = newEncoder();
        const kept = new CountingVisitor(encoder);
        const units = new UnitEncoder(encoder, kept);
        encode(scene, kept, isHashed, (expander, { block }, at, unit) =>
          units.show(expander.of(block, at)!, block, at, unit),
        );
        const [expected, actual] = [plain.takeBatch(), encoder.takeBatch()];
        assert.deepEqual(decodeFields(actual.bytes), decodeFields(expected.bytes));
        assert.deepEqual([actual.spans, actual.traces], [expected.spans, expected.traces]);
        copied += actual.spans - kept.shown;
      }),
      { numRuns: 300 },
    );
    assert.ok(copied > 1000, `${copied} spans were copied`);
  });

  it('refuses copies that do not fit as a whole, and counts their spans', () => {
    const scene = new RecordedScene();
    const messages = Array.from({ length: 100 }, () => ({ topic: 2, bytes: 1 }));
    for (let time = 0; time < 10; time += 1)
      scene.play({
        type: 'run',
        publisher: 0,
        messages,
        pushes: [{ client: 1, isDropped: false }],
        receivedAt: 0,
        admittedAt: 1,
        pushedAt: 2,
        connections: 2,
      });
    const encoder = newEncoder(65_536);
    const kept = new KeptVisitor(encoder);
    const units = new UnitEncoder(encoder, kept);
    encode(scene, kept, false, (expander, { block }, at, unit) => units.show(expander.of(block, at)!, block, at, unit));
    const batch = encoder.takeBatch();
    assert.ok(batch.refused > 0 && batch.spans > 0);
    assert.equal(batch.spans + batch.refused, 5 * 1000);
    assert.equal(JSON.stringify(decodeFields(batch.bytes)).split('"traceId"').length - 1, batch.spans);
  });
});
