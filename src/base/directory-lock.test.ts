import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DirectoryLock } from './directory-lock.ts';

const root = await mkdtemp(join(tmpdir(), 'directory-lock-'));
const holder = { pid: process.pid, since: Date.UTC(2026, 0, 2), nodeId: 'node-1', adminAddress: '127.0.0.1:8080' };
const childProgram = fileURLToPath(new URL('./testing/hold-directory.ts', import.meta.url));

/** A process that tries to take the lock, says whether it got it, and holds it until it is ended. */
async function startHolder(directory: string): Promise<{ child: ChildProcess; answer: string }> {
  const child = fork(childProgram, [directory]);
  const [answer] = await once(child, 'message');
  return { child, answer: String(answer) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  child.kill(signal);
  await ended;
}

describe('one instance per data directory', () => {
  after(() => rm(root, { recursive: true }));

  it('refuses a second one with a sentence that says who holds it', async () => {
    const directory = join(root, 'second');
    const lock = await DirectoryLock.acquire(directory, holder);
    const who = `node node-1 (process ${process.pid}, since 2026-01-02T00:00:00.000Z, admin at 127.0.0.1:8080)`;
    const sentence = `${directory} is in use by ${who}`;
    await assert.rejects(DirectoryLock.acquire(directory, holder), { code: 'locked', message: sentence });
    const { child, answer } = await startHolder(directory);
    assert.equal(answer, sentence);
    await end(child, 'SIGKILL');
    await lock.release();
  });

  it('does not guess the admin address where it is not known', async () => {
    const directory = join(root, 'no-admin');
    const { adminAddress: _unknown, ...rest } = holder;
    const lock = await DirectoryLock.acquire(directory, rest);
    await assert.rejects(DirectoryLock.acquire(directory, rest), { message: /since 2026-01-02T00:00:00\.000Z\)$/ });
    await lock.release();
  });

  it('is free again once released', async () => {
    const directory = join(root, 'released');
    for (let start = 0; start < 3; start++) {
      const lock = await DirectoryLock.acquire(directory, holder);
      await lock.release();
      await lock.release();
    }
  });

  it('takes over from a process that was killed', async () => {
    const directory = join(root, 'killed');
    const { child, answer } = await startHolder(directory);
    assert.equal(answer, 'held');
    await assert.rejects(DirectoryLock.acquire(directory, holder), {
      code: 'locked',
      message: new RegExp(`process ${child.pid},`),
    });
    await end(child, 'SIGKILL');
    await (await DirectoryLock.acquire(directory, holder)).release();
  });

  it('is not deceived by what a dead process with the id of a living one left behind', async () => {
    const directory = join(root, 'reused');
    await (await DirectoryLock.acquire(directory, holder)).release();
    await writeFile(join(directory, 'instance.json'), JSON.stringify(holder));
    await (await DirectoryLock.acquire(directory, holder)).release();
  });

  it('lets exactly one of several win that start at once, also over a lock left behind', async () => {
    const directory = join(root, 'race');
    const dead = await startHolder(directory);
    await end(dead.child, 'SIGKILL');
    const starts = await Promise.all([1, 2, 3, 4].map(() => startHolder(directory)));
    assert.deepEqual(starts.filter(({ answer }) => answer === 'held').length, 1);
    await Promise.all(starts.map(({ child }) => end(child, 'SIGKILL')));
  });

  it('says so when the directory cannot be made', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await assert.rejects(DirectoryLock.acquire(join(file, 'below'), holder), { code: 'io_failed' });
  });
});
