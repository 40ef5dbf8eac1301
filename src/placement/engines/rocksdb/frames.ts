import { assert } from '../../../base/errors.ts';
import type { PlacementEntry, PlacementWrite, WriteOutcome } from '../../placement.ts';

/**
 * What passes between the database thread and the rest of the program. Structured clones of objects cost more than the
 * work asked for, so lists travel as one block of bytes: each frame a length (4 bytes, little endian) and its bytes.
 */
export function packFrames(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(frames.reduce((sum, frame) => sum + 4 + frame.length, 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const frame of frames) {
    view.setUint32(at, frame.length, true);
    packed.set(frame, at + 4);
    at += 4 + frame.length;
  }
  return packed;
}

/** The frames are views into `packed`. */
export function unpackFrames(packed: Uint8Array): Buffer[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    assert(end <= bytes.length, 'a frame ends inside its block');
    frames.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return frames;
}

const NO_CONDITION = -1;

/** Three frames a write: what it does (type, condition as a float64), key, value. */
export function packWrites(writes: readonly PlacementWrite[]): Uint8Array<ArrayBuffer> {
  const frames: Uint8Array[] = [];
  for (const write of writes) {
    const head = Buffer.alloc(9);
    head[0] = write.type === 'put' ? 1 : 0;
    head.writeDoubleLE(write.ifRevision ?? NO_CONDITION, 1);
    frames.push(head, Buffer.from(write.key), write.type === 'put' ? write.value : Buffer.alloc(0));
  }
  return packFrames(frames);
}

/** The values are views into `packed`. */
export function unpackWrites(packed: Uint8Array): PlacementWrite[] {
  const frames = unpackFrames(packed);
  const writes: PlacementWrite[] = [];
  for (let at = 0; at < frames.length; at += 3) {
    const head = frames[at]!;
    const key = frames[at + 1]!.toString();
    const ifRevision = head.readDoubleLE(1);
    const condition = ifRevision === NO_CONDITION ? {} : { ifRevision };
    writes.push(
      head[0] === 1
        ? { type: 'put', key, value: frames[at + 2]!, ...condition }
        : { type: 'delete', key, ...condition },
    );
  }
  return writes;
}

/** Two frames an entry: key, and the stored value as it lies in the database. */
export function unpackEntries(packed: Uint8Array): PlacementEntry[] {
  const frames = unpackFrames(packed);
  const entries: PlacementEntry[] = [];
  for (let at = 0; at < frames.length; at += 2) {
    const stored = frames[at + 1]!;
    // Copied: an entry that is kept must not keep its whole page.
    const value = new Uint8Array(stored.subarray(REVISION_BYTES));
    entries.push({ key: frames[at]!.toString(), value, revision: readRevision(stored) });
  }
  return entries;
}

/** Two numbers an outcome: 1 for written, 0 for conflict; its revision. */
export function packOutcomes(outcomes: readonly WriteOutcome[]): Float64Array<ArrayBuffer> {
  return Float64Array.from(outcomes.flatMap(({ type, revision }) => [type === 'written' ? 1 : 0, revision]));
}

export function unpackOutcomes(packed: Float64Array): WriteOutcome[] {
  const outcomes: WriteOutcome[] = [];
  for (let at = 0; at < packed.length; at += 2) {
    outcomes.push({ type: packed[at] === 1 ? 'written' : 'conflict', revision: packed[at + 1]! });
  }
  return outcomes;
}

/** A stored value: the entry's revision (8 bytes, big endian), then the value. */
export const REVISION_BYTES = 8;

export function storedValue(revision: number, value: Uint8Array): Buffer {
  const stored = Buffer.allocUnsafe(REVISION_BYTES + value.length);
  stored.writeBigUInt64BE(BigInt(revision));
  stored.set(value, REVISION_BYTES);
  return stored;
}

export function readRevision(stored: Buffer): number {
  return Number(stored.readBigUInt64BE());
}
