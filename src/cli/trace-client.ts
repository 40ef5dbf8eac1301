import { CodedError } from '../base/errors.ts';
import type { TraceDocument } from '../telemetry/trace-document.ts';

export class TraceClientError extends CodedError<'unreachable' | 'refused' | 'broken'> {}

export type TraceEvent =
  | { readonly type: 'trace'; readonly trace: TraceDocument }
  | { readonly type: 'skipped'; readonly count: number };

/** Query parameters of the admin API; undefined ones are left out. */
export type TraceQuery = Readonly<Record<string, string | number | boolean | undefined>>;

/** Asks a running broker's admin API for traces. */
export class TraceClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async find(query: TraceQuery): Promise<readonly TraceDocument[]> {
    const response = await this.#get('/api/v1/traces', query);
    return ((await response.json()) as { traces: TraceDocument[] }).traces;
  }

  async show(traceId: string): Promise<TraceDocument> {
    const response = await this.#get(`/api/v1/traces/${encodeURIComponent(traceId)}`, {});
    return (await response.json()) as TraceDocument;
  }

  /** Traces from now on, until the broker ends the stream or the caller stops iterating. */
  async *tail(query: TraceQuery): AsyncGenerator<TraceEvent> {
    const response = await this.#get('/api/v1/traces/stream', query);
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) yield* eventsOf(block);
      }
    } catch (error) {
      throw new TraceClientError('broken', `The connection to ${this.#url} broke.`, error);
    }
  }

  async #get(path: string, query: TraceQuery): Promise<Response> {
    const url = new URL(path, this.#url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const response = await fetch(url).catch((error: unknown) => {
      throw new TraceClientError('unreachable', unreachable(this.#url, error), error);
    });
    if (response.ok) return response;
    const detail = await problemDetail(response);
    throw new TraceClientError('refused', `${this.#url} answered ${response.status}: ${detail}`);
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

function unreachable(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  const hint = 'Is it running, and is its admin server at this address? --url or ROBUSTMQ_ADMIN_URL names another.';
  return `No broker answers at ${url}${code}. ${hint}`;
}

async function problemDetail(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === 'string' ? detail : response.statusText;
  } catch {
    return response.statusText;
  }
}
