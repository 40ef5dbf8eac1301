import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aedes } from './aedes.ts';
import { launch } from './broker-process.ts';

describe('a broker under test', () => {
  it('accepts connections when it is started, and leaves nothing when it is stopped', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'robustmq-test-'));
    const systemFolder = process.env.TMPDIR ?? '/tmp';
    process.env.TMPDIR = folder;
    context.after(() => {
      process.env.TMPDIR = systemFolder;
      rmSync(folder, { recursive: true });
    });
    const broker = await aedes.start({ pinned: false, otlpEndpoint: undefined, samplingRate: 0.01 });
    assert(existsSync(`/proc/${broker.pid}`));
    broker.assertRunning();
    await broker.stop();
    await broker.stop();
    assert(!existsSync(`/proc/${broker.pid}`));
    assert.deepEqual(readdirSync(folder), []);
  });

  it('that ends by itself is told with what it printed', async () => {
    const command = () => [process.execPath, '-e', 'console.error("no such key: colour"); process.exit(78)'];
    await assert.rejects(launch({ pinned: false, command }), /exit code 78\): no such key: colour/);
  });
});
