import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import { traceStats } from '../telemetry/trace-stats.ts';
import { sendProblem } from './problem.ts';
import { sendQueryProblem, traceQuerySchema, traceStreamSchema } from './trace-query.ts';
import type { TraceSource } from './trace-source.ts';
import { streamTraces } from './trace-stream.ts';

const MAX_STREAMS = 16;
const TRACE_ID = /^[0-9a-f]{32}$/;
const PATHS = ['/api/v1/traces', '/api/v1/traces/:id', '/api/v1/traces/stream', '/api/v1/traces/stats'];

/** `traces` undefined: nothing is recorded. */
export function addTraceRoutes(server: FastifyInstance, traces: TraceSource | undefined, metrics: Metrics): void {
  if (traces === undefined) {
    for (const url of PATHS)
      server.get(url, (_request, reply) =>
        sendProblem(reply, 503, 'no traces are recorded: telemetry.enable is false'),
      );
    return;
  }

  server.get('/api/v1/traces', async (request, reply) => {
    const query = traceQuerySchema.safeParse(request.query);
    if (!query.success) return sendQueryProblem(reply, query.error);
    const { limit, ...filter } = query.data;
    return reply.send({ traces: await traces.find(filter, limit) });
  });

  server.get<{ Params: { id: string } }>('/api/v1/traces/:id', async (request, reply) => {
    const { id } = request.params;
    if (!TRACE_ID.test(id)) return sendProblem(reply, 400, 'a trace id is 32 lower-case hex digits');
    const trace = await traces.show(id);
    if (trace === undefined) return sendProblem(reply, 404, 'no such trace; only the newest are kept');
    return reply.send(trace);
  });

  server.get('/api/v1/traces/stats', async (_request, reply) => reply.send(traceStats(metrics, await traces.window())));

  const streams = new Set<() => void>();
  server.get('/api/v1/traces/stream', (request, reply) => {
    const filter = traceStreamSchema.safeParse(request.query);
    if (!filter.success) return sendQueryProblem(reply, filter.error);
    if (streams.size >= MAX_STREAMS) return sendProblem(reply, 503, `at most ${MAX_STREAMS} streams at a time`);
    reply.hijack();
    const end = streamTraces(traces, filter.data, reply.raw);
    streams.add(end);
    reply.raw.on('close', () => streams.delete(end));
    return reply;
  });
  server.addHook('preClose', async () => {
    for (const end of streams) end();
  });
}
