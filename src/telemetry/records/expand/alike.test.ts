import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES } from '../../catalogue.ts';
import { type RecordBlock, RingReader } from '../../ring/ring-reader.ts';
import { FinishedSpanBuilder } from '../finished-span-builder.ts';
import { arbitrarySteps, RecordedScene } from '../testing/recorded-scene.ts';
import { Expander } from './expander.ts';
import { emptyFacts, type UnitFacts } from './expansion.ts';
import type { SemanticExpansion } from './semantic-expansion.ts';

interface Unit {
  readonly expansion: SemanticExpansion;
  readonly at: number;
  readonly unit: number;
}

/** Those before it that a unit is compared with. */
const COMPARED = 12;

function unitsOf(expander: Expander, reader: RingReader): Unit[] {
  const found: Unit[] = [];
  for (let at = reader.next(); at >= 0; at = reader.next()) {
    const expansion = expander.of(reader.block, at);
    const units = expansion?.units(reader.block, at) ?? 0;
    for (let unit = 0; unit < units; unit += 1) found.push({ expansion: expansion!, at, unit });
    reader.advance(0);
  }
  return found;
}

/** The head's decision about a unit of a run is not the run's. */
function factsOf({ expansion, at, unit }: Unit, block: RecordBlock): UnitFacts {
  const facts = emptyFacts();
  expansion.facts(block, at, unit, facts);
  if (expansion.isUniform) facts.head = false;
  return facts;
}

/** All that it is shown as, but identities and packet identifiers: of an id the stage is left. */
function shownOf({ expansion, at, unit }: Unit, block: RecordBlock): unknown {
  const builder = new FinishedSpanBuilder();
  expansion.show(block, at, unit, builder);
  return builder.take().map(({ traceId: _, spanId, parent, attributes, ...rest }) => ({
    ...rest,
    stage: spanId.slice(-2),
    parent: parent.type,
    attributes: attributes.map((each) => (each.definition === ATTRIBUTES.mqttPacketId ? 'packet id' : each)),
  }));
}

describe('units that are alike', () => {
  it('differ in nothing but their identity and packet identifier', () => {
    let alike = 0;
    let different = 0;
    fc.assert(
      fc.property(arbitrarySteps, (played) => {
        const scene = new RecordedScene();
        for (const what of played) scene.play(what);
        const reader = new RingReader(scene.recording.ring);
        const expander = new Expander(reader, scene.recording.seed, { cluster: 'c', brokerId: 'b' });
        const units = unitsOf(expander, reader);
        const { block } = reader;
        for (const [index, one] of units.entries())
          for (const other of units.slice(Math.max(0, index - COMPARED), index)) {
            const { expansion } = one;
            if (expansion !== other.expansion) continue;
            if (!expansion.isAlike(block, one.at, one.unit, other.at, other.unit)) {
              different += 1;
              continue;
            }
            alike += 1;
            assert.deepEqual(factsOf(one, block), factsOf(other, block));
            assert.deepEqual(shownOf(one, block), shownOf(other, block));
          }
      }),
      { numRuns: 300 },
    );
    assert.ok(alike > 1000 && different > 1000, `${alike} pairs are alike, ${different} are not`);
  });
});
