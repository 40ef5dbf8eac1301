import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { spanBatch } from '../testing/span-batches.ts';
import { transportTo } from './transport-to.ts';

const PROGRAM = `
  import { transportTo } from '${new URL('./transport-to.ts', import.meta.url)}';
  import { spanBatch } from '${new URL('../testing/span-batches.ts', import.meta.url)}';
  const transport = transportTo({ type: 'console' });
  for (let batch = 0; batch < 200; batch += 1) await transport.send(spanBatch('a', 10));
  await transport.close();`;

describe('the way out', () => {
  it('by the console is whole lines of JSON, also when they are more than a pipe holds', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    assert.equal(stderr, '');
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 2000);
    for (const line of lines) assert.equal(JSON.parse(line).name, 'a');
  });

  it('by a file is a request a line', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'robustmq-transport-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'telemetry', 'traces.jsonl');
    const transport = transportTo({ type: 'file', options: { path, maxFileBytes: 1e6, maxFiles: 2 } })!;
    assert.deepEqual(await transport.send(spanBatch('a')), { type: 'taken', rejectedSpans: 0, message: '' });
    await transport.close();
    const [line] = (await readFile(path, 'utf8')).split('\n');
    assert.equal(JSON.parse(line!).resourceSpans[0].scopeSpans[0].spans[0].name, 'a');
  });

  it('is none where nothing leaves', () => {
    assert.equal(transportTo({ type: 'none' }), undefined);
  });
});
