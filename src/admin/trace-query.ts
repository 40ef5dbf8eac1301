import { z } from 'zod';
import { isValidTopicFilter, topicMatches } from '../mqtt/topic.ts';
import { ATTRIBUTES } from '../telemetry/catalogue.ts';
import type { SpanDocument, TraceDocument } from '../telemetry/trace-document.ts';

const MAX_TRACES = 1000;

const unixMs = z
  .string()
  .transform((text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text)))
  .refine((at) => Number.isFinite(at), 'expected Unix milliseconds or an ISO 8601 time');

/** Which traces a caller of the API wants. */
export const traceFilterSchema = z.strictObject({
  clientId: z.string().min(1).optional(),
  topic: z.string().refine(isValidTopicFilter, 'expected an MQTT topic filter').optional(),
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
export type TraceFilter = z.output<typeof traceFilterSchema>;

export function matchesFilter(trace: TraceDocument, filter: TraceFilter): boolean {
  const { clientId, topic, minDurationMs, error, since } = filter;
  if (error !== undefined && trace.error !== error) return false;
  if (minDurationMs !== undefined && trace.durationMs < minDurationMs) return false;
  if (since !== undefined && trace.startedAt < since) return false;
  if (clientId !== undefined && !trace.spans.some((span) => clientIdOf(span) === clientId)) return false;
  return topic === undefined || trace.spans.some((span) => topicsOf(span).some((name) => topicMatches(topic, name)));
}

function clientIdOf(span: SpanDocument): unknown {
  return span.attributes[ATTRIBUTES.mqttClientId.key];
}

function topicsOf(span: SpanDocument): string[] {
  const topic = span.attributes[ATTRIBUTES.mqttTopic.key];
  return typeof topic === 'string' ? [topic] : [];
}

/** The first thing that is wrong with a query, as a sentence that names the parameter. */
export function queryProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'the query is not valid';
  if (issue.code === 'unrecognized_keys') return `unknown query parameter: ${issue.keys.join(', ')}`;
  return `${issue.path.join('.')}: ${issue.message}`;
}
