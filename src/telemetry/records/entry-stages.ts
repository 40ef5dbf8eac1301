import type { Metrics } from '../metrics.ts';
import { recordStage, STAGES } from '../stage.ts';
import { ENTRY, ENTRY_WORDS, type EntryBatch, SHAPE, SHAPE_MASK, SHAPE_SHIFT } from './message-entry.ts';

/*
 * Messages that follow each other and were admitted at the same time are observed at once. Without a function for each
 * kind of group: every message comes by here.
 */

/** The stored messages of a batch, durable since `durableAt`. */
export function recordStored(metrics: Metrics, { u32, f64, count }: EntryBatch, durableAt: number): void {
  let admittedAt = 0;
  let together = 0;
  for (let index = 0; index < count; index += 1) {
    const at = index * ENTRY_WORDS;
    if (shapeOf(u32[at * 2 + ENTRY.flags]!) !== SHAPE.stored) continue;
    const entryAdmittedAt = f64[at + ENTRY.admittedAt]!;
    if (together > 0 && entryAdmittedAt !== admittedAt) {
      recordStage(metrics, STAGES.store, durableAt - admittedAt, together);
      together = 0;
    }
    admittedAt = entryAdmittedAt;
    together += 1;
  }
  if (together > 0) recordStage(metrics, STAGES.store, durableAt - admittedAt, together);
}

/** The messages of a read that were pushed one by one, the last of them at `pushedAt`; what was not taken is left out. */
export function recordDirect(metrics: Metrics, { u32, f64, count }: EntryBatch, pushedAt: number): void {
  let receivedAt = 0;
  let admittedAt = 0;
  let together = 0;
  for (let index = 0; index < count; index += 1) {
    const at = index * ENTRY_WORDS;
    if (shapeOf(u32[at * 2 + ENTRY.flags]!) !== SHAPE.direct) continue;
    const entryReceivedAt = f64[at + ENTRY.receivedAt]!;
    const entryAdmittedAt = f64[at + ENTRY.admittedAt]!;
    if (together > 0 && (entryAdmittedAt !== admittedAt || entryReceivedAt !== receivedAt)) {
      recordPushed(metrics, receivedAt, admittedAt, pushedAt, together);
      together = 0;
    }
    receivedAt = entryReceivedAt;
    admittedAt = entryAdmittedAt;
    together += 1;
  }
  if (together > 0) recordPushed(metrics, receivedAt, admittedAt, pushedAt, together);
}

function recordPushed(metrics: Metrics, receivedAt: number, admittedAt: number, pushedAt: number, count: number): void {
  recordStage(metrics, STAGES.admit, admittedAt - receivedAt, count);
  recordStage(metrics, STAGES.push, pushedAt - admittedAt, count);
}

function shapeOf(flags: number): number {
  return (flags >>> SHAPE_SHIFT) & SHAPE_MASK;
}
