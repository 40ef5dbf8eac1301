import type { ServerResponse } from 'node:http';
import type { TraceFilter } from '../telemetry/exporter/trace-filter.ts';
import type { TraceSource } from './trace-source.ts';

/** A comment this often tells a live stream from a dead one. */
const HEARTBEAT_MS = 15_000;
/** A reader that has this much unread is not given more until it has read. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * Streams traces as server-sent events, each once it is quiet: `event: trace` with a trace document, `event: skipped` with
 * `{"count": n}` when the reader is too slow or there are too many. Ends when the reader goes, or when the returned function is called.
 */
export function streamTraces(traces: TraceSource, filter: TraceFilter, response: ServerResponse): () => void {
  let unread = 0;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' });
  response.write(': traces\n\n');
  const heartbeat = setInterval(() => {
    if (response.writableLength <= MAX_UNREAD_BYTES) response.write(': still here\n\n');
  }, HEARTBEAT_MS);
  const unfollow = traces.follow(filter, {
    trace(trace) {
      if (response.writableLength > MAX_UNREAD_BYTES) {
        unread += 1;
        return;
      }
      if (unread > 0) writeEvent(response, 'skipped', { count: unread });
      unread = 0;
      writeEvent(response, 'trace', trace);
    },
    skipped(count) {
      unread += count;
    },
  });
  response.on('close', () => {
    clearInterval(heartbeat);
    unfollow();
  });
  return () => response.end();
}

function writeEvent(response: ServerResponse, event: 'trace' | 'skipped', data: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
