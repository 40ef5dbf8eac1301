import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { addressBlock } from '../base/address-block.ts';
import { isValidTopicFilter } from '../mqtt/topic.ts';
import { sendProblem } from './problem.ts';

const MAX_TRACES = 1000;

const unixMs = z
  .string()
  .transform((text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text)))
  .refine((at) => Number.isFinite(at), 'expected Unix milliseconds or an ISO 8601 time');

export const addressBlockSchema = z
  .string()
  .refine((block) => addressBlock(block) !== undefined, 'expected an IP address or a CIDR block, such as 10.0.0.0/8');

/** Which traces a caller of the API wants. */
const traceFilterSchema = z.strictObject({
  clientId: z.string().min(1).optional(),
  topic: z.string().refine(isValidTopicFilter, 'expected an MQTT topic filter').optional(),
  user: z.string().min(1).optional(),
  address: addressBlockSchema.optional(),
  minDurationMs: z.coerce.number().min(0).optional(),
  error: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  since: unixMs.optional(),
});
export const traceQuerySchema = traceFilterSchema.extend({
  limit: z.coerce.number().int().min(1).max(MAX_TRACES).default(20),
});
/** Of those that come from now on; `watch` is the id of a rule. */
export const traceStreamSchema = traceFilterSchema.extend({ watch: z.string().min(1).optional() });

/**
 * Refuses a query, or a body, with the first thing that is wrong with it, as a sentence that names the parameter. `parameter`
 * and `problem` say the same apart, for a program that calls it by another name.
 */
export function sendQueryProblem(reply: FastifyReply, error: z.ZodError): FastifyReply {
  const issue = error.issues[0];
  if (issue === undefined) return sendProblem(reply, 400, 'the query is not valid');
  if (issue.code === 'unrecognized_keys')
    return sendProblem(reply, 400, `unknown query parameter: ${issue.keys.join(', ')}`);
  const parameter = issue.path.join('.');
  const problem = sentenceOf(issue);
  return sendProblem(reply, 400, `${parameter}: ${problem}`, { parameter, problem });
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big') return `at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
  if (issue.code !== 'too_small') return issue.message;
  return issue.origin === 'string' ? 'must not be empty' : `at least ${issue.minimum}`;
}
