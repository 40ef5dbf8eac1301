import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import type { Journal } from '../../journal/journal.ts';
import { BrokerUnderTest } from './broker-under-test.ts';
import { textOf } from './packet-stream.ts';
import { replacing } from './replacing.ts';
import type { TestClient } from './test-client.ts';
import { TestClock } from './test-clock.ts';

export const PERSISTENT = { expirySeconds: 1000 };
export const TWO_SHARDS = { 'topic_rules.0.filter': 'volatile/#', 'topic_rules.0.durable': false };
export const GROUP = '$share/g/#';

export const texts = (client: TestClient) => client.takeMessages().map(textOf);

export const nextTurn = () => new Promise(setImmediate);

/** A journal whose reads of a shard wait while it is held. */
export function slowJournal(slow = 'default') {
  const memory = new MemoryJournal({ clock: new TestClock() });
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const journal = replacing<Journal>(memory, {
    async read(shard, request) {
      if (shard === slow) await gate.promise;
      return memory.read(shard, request);
    },
  });
  return {
    journal,
    hold(): void {
      gate = Promise.withResolvers();
    },
    release: () => gate.resolve(),
  };
}

/** A broker and members of a group in it, which take turns in their order. */
export async function startGroup(count: number, options = PERSISTENT, journal?: Journal) {
  const broker = await BrokerUnderTest.start(TWO_SHARDS, journal && { journal });
  const members: TestClient[] = [];
  for (let index = 0; index < count; index += 1) {
    members.push(await broker.connect(`member-${index}`, options));
    await broker.subscribe(members[index]!, GROUP, { qos: 1 });
  }
  return { broker, members, one: members[0]!, two: members[1]! };
}
