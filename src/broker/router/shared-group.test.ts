import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SharedGroup } from './shared-group.ts';
import { Subscription } from './subscription.ts';
import { plain, TestSession } from './testing/arbitraries.ts';

const filter = '$share/g/a';
const anyone = () => true;

function makeGroup(size: number) {
  const group = new SharedGroup<TestSession>(filter, 1);
  const members = Array.from({ length: size }, (_, number) => new Subscription(new TestSession(number), filter, plain));
  for (const member of members) group.add(member);
  return { group, members };
}

const take = (group: SharedGroup<TestSession>, count: number, canTake: (session: TestSession) => boolean = anyone) =>
  Array.from({ length: count }, () => group.next(canTake)?.session.number);

describe('shared group', () => {
  it('lets the members take turns', () => {
    assert.deepEqual(take(makeGroup(3).group, 7), [0, 1, 2, 0, 1, 2, 0]);
  });

  it('passes over a member that cannot take the message', () => {
    assert.deepEqual(
      take(makeGroup(3).group, 4, (session) => session.number !== 1),
      [0, 2, 0, 2],
    );
  });

  it('has nobody when no member can', () => {
    const { group } = makeGroup(2);
    assert.equal(
      group.next(() => false),
      undefined,
    );
    assert.equal(new SharedGroup<TestSession>(filter, 1).next(anyone), undefined);
  });

  it('keeps the turn of a member that subscribes again', () => {
    const { group, members } = makeGroup(2);
    take(group, 1);
    group.replace(members[1]!, new Subscription(members[1]!.session, filter, { ...plain, qos: 1 }));
    assert.equal(group.next(anyone)?.qos, 1);
  });

  it('serves everyone else exactly once in a round, whoever leaves in the middle of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.nat(), fc.nat(), (size, servedSeed, leaverSeed) => {
        const { group, members } = makeGroup(size);
        const served = take(group, servedSeed % size);
        const leaver = members[leaverSeed % size]!;
        group.remove(leaver);
        const waiting = members.filter((member) => member !== leaver && !served.includes(member.session.number));
        const round = take(group, waiting.length);
        assert.deepEqual(round.sort(), waiting.map((member) => member.session.number).sort());
        assert.equal(group.members.length, size - 1);
      }),
    );
  });
});
