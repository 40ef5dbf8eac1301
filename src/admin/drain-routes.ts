import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { sendProblem } from './problem.ts';
import { sendQueryProblem } from './trace-query.ts';

/** Emptying a broker, as its admin API shows it. */
export interface DrainControl {
  readonly status: object;
  start(options: z.output<typeof drainSchema>): void;
  stop(): void;
}

const LONGEST_REFERENCE = 1024;

const drainSchema = z.strictObject({
  /** `host:port`, or several with a space between; goes to MQTT 5 clients as it is. */
  serverReference: z
    .string()
    .min(1)
    .max(LONGEST_REFERENCE)
    .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'expected host:port, or several with a space between')
    .optional(),
  ratePerSecond: z.number().min(0.1).max(1_000_000).default(100),
});

/** `POST` begins, `DELETE` ends, `GET` tells; each answers with the status. */
export function addDrainRoutes(server: FastifyInstance, control: () => DrainControl | undefined): void {
  const withDrain = (reply: FastifyReply, act: (drain: DrainControl) => void): FastifyReply => {
    const drain = control();
    if (drain === undefined) return sendProblem(reply, 503, 'the broker is still starting');
    act(drain);
    return reply.send(drain.status);
  };
  server.get('/api/v1/drain', (_request, reply) => withDrain(reply, () => undefined));
  server.delete('/api/v1/drain', (_request, reply) => withDrain(reply, (drain) => drain.stop()));
  server.post('/api/v1/drain', (request, reply) => {
    const options = drainSchema.safeParse(request.body ?? {});
    if (!options.success) return sendQueryProblem(reply, options.error);
    return withDrain(reply, (drain) => drain.start(options.data));
  });
}
