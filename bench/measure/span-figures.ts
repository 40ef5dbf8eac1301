import { METRICS } from '../../src/telemetry/catalogue.ts';

/** What a broker says of its spans, from its start until now. */
export interface SpanFigures {
  readonly started: number;
  readonly restored: number;
  readonly exported: number;
  readonly unsampled: number;
  /** By reason; those that there were. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly open: number;
  readonly undecided: number;
  readonly queued: number;
  readonly spooled: number;
}

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

/** Spans that came in, less those of which it is known what became of them. */
export function balanceOf(figures: SpanFigures): number {
  const { started, restored, exported, unsampled, open, undecided, queued, spooled } = figures;
  const dropped = Object.values(figures.dropped).reduce((sum, spans) => sum + spans, 0);
  return started + restored - exported - unsampled - dropped - open - undecided - queued - spooled;
}
