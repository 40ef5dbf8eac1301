import { METRICS } from '../../src/telemetry/catalogue.ts';
import type { TraceStats } from '../../src/telemetry/trace-stats.ts';

/** What a broker says of its spans, from its start until now. */
export type SpanFigures = TraceStats['spans'];

export type ReadFigures = () => Promise<SpanFigures>;

/** From the metrics, not from /api/v1/traces/stats: that answers when all that is recorded was read, and so disturbs what it shows. */
export function figuresAt(adminPort: number): ReadFigures {
  return async () => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    if (!response.ok) throw new Error(`the broker does not say what became of its spans (${response.status})`);
    return parseFigures(await response.text());
  };
}

/** Of Prometheus text. Throws where a figure is missing. */
export function parseFigures(text: string): SpanFigures {
  const lines = text.split('\n');
  const one = ({ name }: { readonly name: string }): number => {
    const line = lines.find((candidate) => candidate.startsWith(`${name} `));
    if (line === undefined) throw new Error(`the broker has no metric ${name}`);
    return Number(line.slice(name.length));
  };
  const reasonOf = new RegExp(`^${METRICS.spansDroppedTotal.name}\\{reason="([^"]+)"\\} (.+)$`);
  const dropped = lines
    .map((line) => reasonOf.exec(line))
    .filter((match) => match !== null)
    .map(([, reason, spans]): [string, number] => [reason!, Number(spans)]);
  return {
    started: one(METRICS.spansStartedTotal),
    restored: one(METRICS.spansRestoredTotal),
    exported: one(METRICS.spansExportedTotal),
    unsampled: one(METRICS.spansUnsampledTotal),
    dropped: Object.fromEntries(dropped.filter(([, spans]) => spans !== 0)),
    open: one(METRICS.openSpans),
    undecided: one(METRICS.spansUndecided),
    queued: one(METRICS.exportQueueSpans),
    spooled: one(METRICS.exportSpoolSpans),
  };
}
