import { numbered } from './numbered.ts';
import { PACKET_SPANS } from './packet-spans.ts';
import { type SpanEntry, withConventions } from './span-definition.ts';
import { STAGE_SPANS } from './stage-spans.ts';

const entries = { ...PACKET_SPANS, ...STAGE_SPANS };

export const SPANS = numbered(
  Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, withConventions(entry)])) as Record<
    keyof typeof entries,
    SpanEntry
  >,
);
