import { DirectoryLock } from '../directory-lock.ts';

/** Tries to lock the directory, tells its parent what came of it, and holds it until it is killed. */
const holder = { pid: process.pid, since: Date.now(), nodeId: 'child', adminAddress: '127.0.0.1:0' };
try {
  const lock = await DirectoryLock.acquire(process.argv[2]!, holder);
  process.on('disconnect', () => lock.release());
  process.send!('held');
} catch (error) {
  process.send!(error instanceof Error ? error.message : String(error));
}
