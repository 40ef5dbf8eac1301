import type { Metrics } from '../metrics.ts';
import { recordStage, STAGES } from '../stage.ts';
import { ENTRY, ENTRY_WORDS, type EntryBatch, SHAPE, SHAPE_MASK, SHAPE_SHIFT, type Shape } from './message-entry.ts';

/** The stored messages of a batch, durable since `durableAt`. */
export function recordStored(metrics: Metrics, batch: EntryBatch, durableAt: number): void {
  eachAdmission(batch, SHAPE.stored, (_receivedAt, admittedAt, count) =>
    recordStage(metrics, STAGES.store, durableAt - admittedAt, count),
  );
}

/** The messages of a read that were pushed one by one, the last of them at `pushedAt`; what was not taken is left out. */
export function recordDirect(metrics: Metrics, batch: EntryBatch, pushedAt: number): void {
  eachAdmission(batch, SHAPE.direct, (receivedAt, admittedAt, count) => {
    recordStage(metrics, STAGES.admit, admittedAt - receivedAt, count);
    recordStage(metrics, STAGES.push, pushedAt - admittedAt, count);
  });
}

/** Messages that were read and admitted at the same times are observed at once. */
function eachAdmission(
  { u32, f64, count }: EntryBatch,
  shape: Shape,
  observe: (receivedAt: number, admittedAt: number, count: number) => void,
): void {
  let together = 0;
  for (let index = 0; index < count; index += 1) {
    const at = index * ENTRY_WORDS;
    const next = at + ENTRY_WORDS;
    if (((u32[at * 2 + ENTRY.flags]! >>> SHAPE_SHIFT) & SHAPE_MASK) !== shape) continue;
    together += 1;
    const isLast =
      index + 1 === count ||
      ((u32[next * 2 + ENTRY.flags]! >>> SHAPE_SHIFT) & SHAPE_MASK) !== shape ||
      f64[next + ENTRY.admittedAt] !== f64[at + ENTRY.admittedAt] ||
      f64[next + ENTRY.receivedAt] !== f64[at + ENTRY.receivedAt];
    if (!isLast) continue;
    observe(f64[at + ENTRY.receivedAt]!, f64[at + ENTRY.admittedAt]!, together);
    together = 0;
  }
}
