import type { JournalEntry } from '../../../journal.ts';
import type { Drop } from '../../../journal-stats.ts';
import { everythingFrom, payloadOf } from '../../../testing/records.ts';
import { SegmentJournal, type SegmentJournalOptions } from '../segment-journal.ts';
import type { SegmentEvent } from '../shard-environment.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const FOLDER = '/journal';
export const FIRST_LOG = '/journal/s/00000000000000000000.log';

/** A segment journal on a simulated disk, with one shard `s` and a clock that stands until it is moved. */
export async function openSimulated(options: Partial<SegmentJournalOptions> & { readonly disk?: SimulatedDisk } = {}) {
  const disk = options.disk ?? new SimulatedDisk();
  const events: SegmentEvent[] = [];
  const drops: Drop[] = [];
  const clock = { at: 1_000_000, now: () => clock.at };
  let salt = 0;
  const journal = await SegmentJournal.open({
    folder: FOLDER,
    clock,
    randomUint32: () => {
      salt += 1;
      return salt;
    },
    onEvent: (event) => events.push(event),
    onDrop: (drop) => drops.push(drop),
    ...options,
    disk,
  });
  await journal.createShard({ name: 's', durable: true });
  return { journal, disk, events, drops, clock };
}

/** Every record of the shard from an offset on, over as many reads as it takes. */
export async function readAll(journal: SegmentJournal, from = 0, filters?: readonly string[]): Promise<JournalEntry[]> {
  const all: JournalEntry[] = [];
  for (let next = from; ; ) {
    const result = await journal.read('s', { ...everythingFrom(next, filters), maxRecords: 50 });
    all.push(...result.entries);
    next = result.next;
    if (next >= result.end) return all;
  }
}

export async function readPayloads(journal: SegmentJournal, from = 0, filters?: readonly string[]): Promise<string[]> {
  return (await readAll(journal, from, filters)).map(payloadOf);
}
