import type { AddressInfo } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { LOG_EVENTS } from '../telemetry/catalogue.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { PrometheusExposition } from '../telemetry/prometheus.ts';
import { addDrainRoutes, type DrainControl } from './drain-routes.ts';
import { sendProblem } from './problem.ts';
import { addTraceRoutes } from './trace-routes.ts';
import type { TraceSource } from './trace-source.ts';
import { addWatchRoutes, type TraceWatchControl } from './watch-routes.ts';

const CLOSE_GRACE_MS = 500;

export type Readiness =
  | { readonly type: 'ready' }
  | { readonly type: 'not_ready'; readonly reasons: readonly string[] };

export interface AdminOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface AdminSources {
  /** Left out where no traces are recorded. */
  readonly traces?: TraceSource | undefined;
  readonly exposition: PrometheusExposition;
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
  /** Undefined until the broker runs. */
  readonly drain: () => DrainControl | undefined;
  /** Left out where no traces are recorded. */
  readonly watches?: TraceWatchControl | undefined;
  readonly log: Log;
}

export interface AdminServer {
  /** The port it listens on. */
  readonly port: number;
  /** Ends open streams, lets other requests finish for half a second, releases the port. */
  close(): Promise<void>;
}

/** Health, metrics and traces over HTTP. Rejects with the system's error when it cannot listen. */
export async function startAdminServer(options: AdminOptions, sources: AdminSources): Promise<AdminServer> {
  const server = fastify({ forceCloseConnections: 'idle' });
  answerErrorsAsProblems(server, sources.log);
  addHealthRoutes(server, sources.readiness);
  server.get('/metrics', (request, reply) => {
    const { contentType, body } = sources.exposition.answer(request.headers.accept);
    return reply.header('vary', 'accept').type(contentType).send(body);
  });
  addTraceRoutes(server, sources.traces, sources.metrics);
  addWatchRoutes(server, sources.watches);
  addDrainRoutes(server, sources.drain);
  await server.listen({ host: options.address, port: options.port });
  const { port } = server.server.address() as AddressInfo;
  return { port, close: () => closeGently(server) };
}

/** Ends streams and idle connections; those still busy, or that never asked anything, are cut after the grace. */
async function closeGently(server: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), CLOSE_GRACE_MS);
  await server.close();
  clearTimeout(cut);
}

function addHealthRoutes(server: FastifyInstance, readiness: () => Readiness): void {
  server.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  server.get('/readyz', (_request, reply) => {
    const state = readiness();
    if (state.type === 'ready') return reply.send({ status: 'ready' });
    return reply.code(503).send({ status: 'not_ready', reasons: state.reasons });
  });
}

function answerErrorsAsProblems(server: FastifyInstance, log: Log): void {
  server.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'no such resource'));
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, 'the request is not valid');
    log.write(LOG_EVENTS.adminRequestFailed, { method: request.method, route: request.routeOptions.url, error });
    return sendProblem(reply, 500, 'the request failed; the log says why');
  });
}
