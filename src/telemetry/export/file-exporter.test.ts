import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { spanBatch } from '../testing/span-batches.ts';
import { FileExporter } from './file-exporter.ts';

const TAKEN = { type: 'taken', rejectedSpans: 0, message: '' };

describe('the file exporter', () => {
  let parent: string;
  let folder: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'robustmq-traces-'));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(parent, 'run-'));
  });
  after(() => rm(parent, { recursive: true }));

  const exporter = (maxFileBytes = 1_000_000, maxFiles = 3) =>
    new FileExporter({ path: join(folder, 'traces.jsonl'), maxFileBytes, maxFiles });
  const namesIn = async (file: string) =>
    (await readFile(join(folder, file), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans[0].name);

  it('writes a request a line, in the order they came, after what is there', async () => {
    for (const run of ['first', 'second']) {
      const file = exporter();
      const sent = [file.send(spanBatch(`${run} a`)), file.send(spanBatch(`${run} b`))];
      assert.deepEqual(await Promise.all(sent), [TAKEN, TAKEN]);
      await file.close();
    }
    assert.deepEqual(await namesIn('traces.jsonl'), ['first a', 'first b', 'second a', 'second b']);
  });

  it('begins a new file when one is full, and keeps so many', async () => {
    const file = exporter(1000);
    for (const name of ['a', 'b', 'c', 'd']) await file.send(spanBatch(name, 1, 600));
    await file.close();
    assert.deepEqual((await readdir(folder)).sort(), ['traces.jsonl', 'traces.jsonl.1', 'traces.jsonl.2']);
    assert.deepEqual(await namesIn('traces.jsonl'), ['d']);
    assert.deepEqual(await namesIn('traces.jsonl.2'), ['b']);
  });

  it('may keep one file only', async () => {
    const file = exporter(1000, 1);
    for (const name of ['a', 'b']) await file.send(spanBatch(name, 1, 600));
    await file.close();
    assert.deepEqual(await readdir(folder), ['traces.jsonl']);
    assert.deepEqual(await namesIn('traces.jsonl'), ['b']);
  });

  it('is unavailable while it cannot write, and goes on when it can', async () => {
    await writeFile(join(folder, 'blocked'), 'a file where the folder should be');
    const file = new FileExporter({ path: join(folder, 'blocked', 'traces.jsonl'), maxFileBytes: 1000, maxFiles: 1 });
    assert.equal((await file.send(spanBatch('a'))).type, 'unavailable');
    await rm(join(folder, 'blocked'));
    assert.deepEqual(await file.send(spanBatch('a')), TAKEN);
    await file.close();
  });

  it('refuses what is no request', async () => {
    const file = exporter();
    assert.equal((await file.send({ bytes: Buffer.from([0x0a, 0xff]), spans: 1, traces: 1 })).type, 'rejected');
    await file.close();
  });
});
