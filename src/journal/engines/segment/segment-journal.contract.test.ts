import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { describeJournalContract } from '../../testing/journal-contract.ts';
import { SegmentJournal } from './segment-journal.ts';

for (const sync of ['always', 'interval', 'never'] as const) {
  describeJournalContract(`segment, sync = ${sync}`, true, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'robustmq-journal-'));
    return {
      journal: await SegmentJournal.open({ folder: join(folder, 'data', 'journal'), clock: systemClock, sync }),
      dispose: () => rm(folder, { recursive: true }),
    };
  });
}
