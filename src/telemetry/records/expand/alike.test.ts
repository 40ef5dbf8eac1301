import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES } from '../../catalogue.ts';
import { type RecordBlock, RingReader } from '../../ring/ring-reader.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import { arbitrarySteps, RecordedScene } from '../testing/recorded-scene.ts';
import { Expander } from './expander.ts';
import { emptyFacts, type UnitFacts } from './expansion.ts';
import { stringOf } from './record-source.ts';
import type { SemanticExpansion } from './semantic-expansion.ts';

interface Unit {
  readonly expansion: SemanticExpansion;
  readonly at: number;
  readonly unit: number;
}

/** Those before it that a unit is compared with. */
const COMPARED = 12;

/** All that a visitor is told, but identities and packet identifiers. */
class Told implements SpanVisitor {
  readonly calls: unknown[] = [];
  readonly begin: SpanVisitor['begin'] = ({ name }, { isParentRemote, isEntry, words }, startedAt, endedAt) => {
    const hasParent = (words[6]! | words[7]!) !== 0;
    this.calls.push([name, isParentRemote, isEntry, hasParent, words[5]! >>> 24, startedAt, endedAt]);
  };
  readonly text: SpanVisitor['text'] = ({ key }, value) => this.calls.push([key, stringOf(value)]);
  readonly number: SpanVisitor['number'] = (attribute, value) =>
    this.calls.push([attribute.key, attribute === ATTRIBUTES.mqttPacketId ? 'any' : value]);
  readonly textItem: SpanVisitor['textItem'] = ({ key }, value) => this.calls.push([key, stringOf(value)]);
  readonly link: SpanVisitor['link'] = (words, isSampled) => this.calls.push(['link', [...words], isSampled]);
  readonly dropped: SpanVisitor['dropped'] = (attributes, links) => this.calls.push(['dropped', attributes, links]);
  readonly traceState: SpanVisitor['traceState'] = (value) => this.calls.push(['state', stringOf(value)]);
  readonly fail: SpanVisitor['fail'] = (message) => this.calls.push(['fail', stringOf(message)]);
  readonly exception: SpanVisitor['exception'] = (type, message) =>
    this.calls.push(['exception', stringOf(type), stringOf(message)]);
  readonly end: SpanVisitor['end'] = () => this.calls.push('end');
}

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

function toldOf({ expansion, at, unit }: Unit, block: RecordBlock): unknown[] {
  const told = new Told();
  expansion.show(block, at, unit, told);
  return told.calls;
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
            assert.deepEqual(toldOf(one, block), toldOf(other, block));
          }
      }),
      { numRuns: 300 },
    );
    assert.ok(alike > 1000 && different > 1000, `${alike} pairs are alike, ${different} are not`);
  });
});
