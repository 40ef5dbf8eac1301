/** Works for so many per cent of the time, in short turns, as the exporter’s thread does: reads through a ring, adding up. */

const PERIOD_MS = 4;
const RING_WORDS = 2 ** 24;
const BLOCK_WORDS = 2 ** 14;

const percent = Number(process.argv[2]);
const ring = new Uint32Array(RING_WORDS);
const block = new Uint32Array(BLOCK_WORDS);
let at = 0;
let sum = 0;

function readBlock(): void {
  block.set(ring.subarray(at, at + BLOCK_WORDS));
  for (const word of block) sum = Math.imul(sum ^ word, 0x2c1b_3c6d);
  ring[at] = sum;
  at = (at + BLOCK_WORDS) % RING_WORDS;
}

let dueAt = performance.now();
setInterval(() => {
  const now = performance.now();
  // What could not be worked off in time is not made up for.
  dueAt = Math.max(dueAt, now - PERIOD_MS);
  while (dueAt < now) {
    const startedAt = performance.now();
    readBlock();
    dueAt += (performance.now() - startedAt) * (100 / percent);
  }
}, 1);
process.on('disconnect', () => process.exit());
