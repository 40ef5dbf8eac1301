import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SharedFigures } from './shared-figures.ts';

/** A writer in a thread of its own: at every moment as many spans were read as are undecided. */
function writeInThread({ memory, control }: { memory: SharedArrayBuffer; control: Int32Array }): void {
  const figures = new SharedFigures(memory);
  parentPort!.postMessage('running');
  for (let count = 1; Atomics.load(control, 0) === 0; count += 1)
    figures.publish(({ set }) => {
      set('read', count);
      set('undecided', count);
    });
}

if (isMainThread) {
  describe('figures of the exporter’s thread', () => {
    it('stay those of one moment until the reader lets others run', async () => {
      const memory = SharedFigures.allocate();
      const [writer, reader] = [new SharedFigures(memory), new SharedFigures(memory)];
      writer.publish(({ set }) => set('read', 1));
      assert.equal(reader.get('read'), 1);
      writer.publish(({ set }) => {
        set('read', 2);
        set('undecided', 2);
      });
      assert.deepEqual([reader.get('read'), reader.get('undecided')], [1, 0]);
      await undefined;
      assert.deepEqual([reader.get('read'), reader.get('undecided')], [2, 2]);
    });

    it('belong together, however fast they are written', async () => {
      const memory = SharedFigures.allocate();
      const control = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(new URL(import.meta.url), { workerData: { memory, control } });
      await new Promise((resolve) => worker.once('message', resolve));
      try {
        const reader = new SharedFigures(memory);
        const seen = new Set<number>();
        for (let look = 0; look < 20_000; look += 1) {
          assert.equal(reader.get('undecided'), reader.get('read'));
          seen.add(reader.get('read'));
          await undefined;
        }
        assert.ok(seen.size > 1);
      } finally {
        Atomics.store(control, 0, 1);
        await worker.terminate();
      }
    });
  });
} else writeInThread(workerData);
