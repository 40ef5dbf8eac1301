/*
 * Loaded into a broker's process before the broker (NODE_OPTIONS): tells through a local socket how the process is. What
 * counts as busy is processor time between two timers, so that a machine with other things to do makes nobody look slow.
 */
import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const TICK_MS = 2;

function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function probe(path: string): void {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  let [longestBusyMs, lastMs] = [0, usedMs()];
  setInterval(() => {
    const now = usedMs();
    longestBusyMs = Math.max(longestBusyMs, now - lastMs);
    lastMs = now;
  }, TICK_MS).unref();

  // A line `gc` asks for the memory after a collection, which is not counted as busy.
  const server = createServer((socket) =>
    socket.on('data', (request) => {
      longestBusyMs = Math.max(longestBusyMs, usedMs() - lastMs);
      if (request.toString() === 'gc') collectGarbage();
      const { heapUsed, external, rss } = process.memoryUsage();
      socket.end(JSON.stringify({ longestBusyMs, heldBytes: heapUsed + external, residentBytes: rss }));
      [longestBusyMs, lastMs] = [0, usedMs()];
    }),
  );
  server.listen(path).unref();
}

const path = process.env.VITALS_SOCKET;
if (isMainThread && path !== undefined) probe(path);
