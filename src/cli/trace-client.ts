import type { TraceDocument } from '../telemetry/trace-document.ts';
import type { TraceStats } from '../telemetry/trace-stats.ts';
import { AdminClient, AdminClientError, type AdminQuery } from './admin-client.ts';

export type TraceEvent =
  | { readonly type: 'trace'; readonly trace: TraceDocument }
  | { readonly type: 'skipped'; readonly count: number };

/** Asks a running broker's admin API for traces. */
export class TraceClient {
  readonly #admin: AdminClient;

  constructor(url: string) {
    this.#admin = new AdminClient(url);
  }

  async find(query: AdminQuery): Promise<readonly TraceDocument[]> {
    const response = await this.#admin.request('/api/v1/traces', { query });
    return ((await response.json()) as { traces: TraceDocument[] }).traces;
  }

  async show(traceId: string): Promise<TraceDocument> {
    const response = await this.#admin.request(`/api/v1/traces/${encodeURIComponent(traceId)}`);
    return (await response.json()) as TraceDocument;
  }

  async stats(): Promise<TraceStats> {
    return (await (await this.#admin.request('/api/v1/traces/stats')).json()) as TraceStats;
  }

  /** Traces from now on, until the broker ends the stream, or the caller stops iterating or aborts. */
  async *tail(query: AdminQuery, signal?: AbortSignal): AsyncGenerator<TraceEvent> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      const response = await this.#admin.request('/api/v1/traces/stream', { query, signal });
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) yield* eventsOf(block);
      }
    } catch (error) {
      if (signal?.aborted === true) return;
      if (error instanceof AdminClientError) throw error;
      throw new AdminClientError('broken', `The connection to ${this.#admin.url} broke.`, { cause: error });
    }
  }
}

function* eventsOf(block: string): Generator<TraceEvent> {
  const lines = block.split('\n');
  const type = lines.find((line) => line.startsWith('event: '))?.slice('event: '.length);
  const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length);
  if (data === undefined) return; // A comment.
  if (type === 'trace') yield { type, trace: JSON.parse(data) as TraceDocument };
  if (type === 'skipped') yield { type, count: (JSON.parse(data) as { count: number }).count };
}
