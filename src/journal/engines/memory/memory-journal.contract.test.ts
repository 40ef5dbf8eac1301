import { systemClock } from '../../../base/clock.ts';
import { describeJournalContract } from '../../testing/journal-contract.ts';
import { MemoryJournal } from './memory-journal.ts';

describeJournalContract('memory', false, async () => ({
  journal: new MemoryJournal({ clock: systemClock }),
  dispose: async () => {},
}));
