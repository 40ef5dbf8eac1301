import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { isValidTopicFilter, parseSharedFilter } from '../mqtt/topic.ts';
import {
  MAX_WATCH_RULES,
  MAX_WATCH_SECONDS,
  MAX_WATCH_TRACES,
  type WatchRule,
} from '../telemetry/sampling/watch-rules.ts';
import { sendProblem } from './problem.ts';
import { addressBlockSchema, sendQueryProblem } from './trace-query.ts';

const LONGEST_NAME = 65_535;
const PATH = '/api/v1/traces/watches';

/** The rules for watching traces, as the admin API shows them. */
export interface TraceWatchControl {
  readonly rules: readonly WatchRule[];
  /** Undefined: there are as many as there may be. */
  create(
    wish: Omit<WatchRule, 'id' | 'expiresAt' | 'kept'> & { readonly forMs: number },
  ): Promise<WatchRule | undefined>;
  /** Whether there was one. */
  remove(id: string): Promise<boolean>;
}

interface WatchRequest {
  Params: { id: string };
}

const name = z.string().min(1).max(LONGEST_NAME);

const watchSchema = z.strictObject({
  clientId: name.optional(),
  topic: name.refine(isPlainFilter, 'expected an MQTT topic filter, without $share/…').optional(),
  user: name.optional(),
  address: addressBlockSchema.optional(),
  minDurationMs: z.number().min(0).optional(),
  errorsOnly: z.boolean().optional(),
  forSeconds: z.number().min(1).max(MAX_WATCH_SECONDS).default(600),
  limit: z.int().min(1).max(MAX_WATCH_TRACES).default(1000),
});

function isPlainFilter(filter: string): boolean {
  return isValidTopicFilter(filter) && parseSharedFilter(filter).type === 'plain';
}

/** `POST` begins to watch, `GET` tells what is watched, `DELETE` ends it. */
export function addWatchRoutes(server: FastifyInstance, watches: TraceWatchControl | undefined): void {
  if (watches === undefined) {
    for (const url of [PATH, `${PATH}/:id`])
      server.all(url, (_request, reply) =>
        sendProblem(reply, 503, 'no traces are recorded: telemetry.enable is false'),
      );
    return;
  }
  const sendUnknown = (reply: FastifyReply): FastifyReply =>
    sendProblem(reply, 404, 'no such watch: it was removed, has expired or has had its limit');

  server.get(PATH, (_request, reply) => reply.send({ watches: watches.rules }));

  server.get<WatchRequest>(`${PATH}/:id`, (request, reply) => {
    const rule = watches.rules.find(({ id }) => id === request.params.id);
    return rule === undefined ? sendUnknown(reply) : reply.send(rule);
  });

  server.post(PATH, async (request, reply) => {
    const wish = watchSchema.safeParse(request.body ?? {});
    if (!wish.success) return sendQueryProblem(reply, wish.error);
    const { forSeconds, ...conditions } = wish.data;
    const rule = await watches.create({ ...conditions, forMs: forSeconds * 1000 });
    if (rule === undefined)
      return sendProblem(reply, 409, `${MAX_WATCH_RULES} watches are set, and there may be no more: remove one`);
    return reply.code(201).header('location', `${PATH}/${rule.id}`).send(rule);
  });

  server.delete<WatchRequest>(`${PATH}/:id`, async (request, reply) =>
    (await watches.remove(request.params.id)) ? reply.code(204).send() : sendUnknown(reply),
  );
}
