import type { FastifyInstance } from 'fastify';
import { toTraceDocument } from '../telemetry/trace-document.ts';
import { sendProblem } from './problem.ts';
import { matchesFilter, queryProblem, traceFilterSchema, traceQuerySchema } from './trace-query.ts';
import { streamTraces, type TraceStreamSources } from './trace-stream.ts';

const MAX_STREAMS = 16;
const TRACE_ID = /^[0-9a-f]{32}$/;

export function addTraceRoutes(server: FastifyInstance, sources: TraceStreamSources): void {
  const { recentTraces, serviceName } = sources;

  server.get('/api/v1/traces', (request, reply) => {
    const query = traceQuerySchema.safeParse(request.query);
    if (!query.success) return sendProblem(reply, 400, queryProblem(query.error));
    const { limit, ...filter } = query.data;
    const traces = [];
    for (const trace of recentTraces.newestFirst()) {
      const document = toTraceDocument(trace, serviceName);
      if (matchesFilter(document, filter)) traces.push(document);
      if (traces.length === limit) break;
    }
    return reply.send({ traces });
  });

  server.get<{ Params: { id: string } }>('/api/v1/traces/:id', (request, reply) => {
    const { id } = request.params;
    if (!TRACE_ID.test(id)) return sendProblem(reply, 400, 'a trace id is 32 lower-case hex digits');
    const trace = recentTraces.get(id);
    if (trace === undefined) return sendProblem(reply, 404, 'no such trace; only the newest are kept');
    return reply.send(toTraceDocument(trace, serviceName));
  });

  const streams = new Set<() => void>();
  server.get('/api/v1/traces/stream', (request, reply) => {
    const filter = traceFilterSchema.safeParse(request.query);
    if (!filter.success) return sendProblem(reply, 400, queryProblem(filter.error));
    if (streams.size >= MAX_STREAMS) return sendProblem(reply, 503, `at most ${MAX_STREAMS} streams at a time`);
    reply.hijack();
    const end = streamTraces(sources, filter.data, reply.raw);
    streams.add(end);
    reply.raw.on('close', () => streams.delete(end));
    return reply;
  });
  server.addHook('preClose', async () => {
    for (const end of streams) end();
  });
}
