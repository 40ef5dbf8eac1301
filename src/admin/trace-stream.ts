import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { RecentTraces } from '../telemetry/recent-traces.ts';
import { type ServiceNamer, toTraceDocument } from '../telemetry/trace-document.ts';
import { QuietTraces } from './quiet-traces.ts';
import { matchesFilter, type TraceFilter } from './trace-query.ts';

const QUIET_MS = 300;
const TICK_MS = 100;
/** A comment this often tells a live stream from a dead one. */
const HEARTBEAT_TICKS = 150;
const MAX_PENDING_TRACES = 10_000;
const MAX_TRACES_A_TICK = 50;
/** A reader that has this much unread is not given more until it has read. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface TraceStreamSources {
  readonly recentTraces: RecentTraces;
  readonly serviceName: ServiceNamer;
  readonly clock: Clock;
}

/**
 * Streams traces as server-sent events, each once it is quiet: `event: trace` with a trace document, `event: skipped` with
 * `{"count": n}` when the reader is too slow or there are too many. Ends when the reader goes, or when the returned function is called.
 */
export function streamTraces(
  { recentTraces, serviceName, clock }: TraceStreamSources,
  filter: TraceFilter,
  response: ServerResponse,
): () => void {
  const quiet = new QuietTraces(QUIET_MS, MAX_PENDING_TRACES);
  let ticks = 0;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' });
  response.write(': traces\n\n');

  const sendQuiet = () => {
    ticks += 1;
    if (response.writableLength > MAX_UNREAD_BYTES) return;
    if (ticks % HEARTBEAT_TICKS === 0) response.write(': still here\n\n');
    const skipped = quiet.takeSkipped();
    if (skipped > 0) writeEvent(response, 'skipped', { count: skipped });
    for (const traceId of quiet.take(clock.now(), MAX_TRACES_A_TICK)) {
      const trace = recentTraces.get(traceId);
      if (trace === undefined) continue;
      const document = toTraceDocument(trace, serviceName);
      if (matchesFilter(document, filter)) writeEvent(response, 'trace', document);
    }
  };
  const timer = setInterval(sendQuiet, TICK_MS);
  const unfollow = recentTraces.follow((span) => quiet.spanEnded(span.traceId, clock.now()));
  response.on('close', () => {
    clearInterval(timer);
    unfollow();
  });
  return () => response.end();
}

function writeEvent(response: ServerResponse, event: 'trace' | 'skipped', data: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
