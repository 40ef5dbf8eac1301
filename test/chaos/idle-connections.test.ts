import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.ts';
import { metric } from './support/metric.ts';
import { residentBytes } from './support/process-memory.ts';
import { Restartable } from './support/restartable.ts';

const WANTED = 10_000;
/** Files that a process has open beside its connections. */
const OTHER_FILES = 500;
const AT_ONCE = 250;
/** Far above what a connection takes (about 6 KiB), far below what one with buffers of its own would. */
const LIMIT_BYTES_PER_CONNECTION = 24 * 1024;

/** How many files a process, and with it a child of ours, may have open. */
function maximumOpenFiles(): number {
  return Number(/Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))![1]);
}

test('10,000 idle connections are accepted, answered and released', async (t) => {
  const count = Math.min(WANTED, maximumOpenFiles() - OTHER_FILES);
  if (count < WANTED) t.diagnostic(`only ${count} connections: the limit of open files (ulimit -n) allows no more`);
  await using broker = await Restartable.start();
  const atFirst = residentBytes(broker.process.pid);
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const options = { port: broker.port, protocolVersion: 4 } as const;
    const next = Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, () => RawClient.connect(options));
    clients.push(...(await Promise.all(next)));
  }
  assert.equal(await metric(broker.process.adminUrl, 'robustmq_connections '), count);
  const bytes = (residentBytes(broker.process.pid) - atFirst) / count;
  t.diagnostic(`${(bytes / 1024).toFixed(1)} KiB of resident memory for each of ${count} connections`);
  assert(bytes < LIMIT_BYTES_PER_CONNECTION);

  for (let start = 0; start < count; start += AT_ONCE)
    await Promise.all(clients.slice(start, start + AT_ONCE).map((client) => client.expectNothing()));

  const [end] = await Promise.all([broker.process.kill('SIGTERM'), ...clients.map((client) => client.expectClose())]);
  assert.deepEqual(end, { code: 0, signal: null });
});
