import { type Command, InvalidArgumentError, Option } from 'commander';
import { CodedError } from '../base/errors.ts';

export const DEFAULT_ADMIN_URL = 'http://127.0.0.1:9883';

export class AdminClientError extends CodedError<'unreachable' | 'refused' | 'broken'> {
  /** Of the answer that refused. */
  readonly status: number | undefined;

  constructor(code: 'unreachable' | 'refused' | 'broken', message: string, cause?: unknown, status?: number) {
    super(code, message, cause);
    this.status = status;
  }
}

/** Query parameters; undefined ones are left out. */
export type AdminQuery = Readonly<Record<string, string | number | boolean | undefined>>;

interface AdminRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: AdminQuery;
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
}

/** Speaks with the admin API of a running broker. */
export class AdminClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** The answer, if it is a good one. */
  async request(path: string, { method = 'GET', query = {}, body, signal }: AdminRequest = {}): Promise<Response> {
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const content = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(url, { method, signal: signal ?? null, ...content }).catch((error: unknown) => {
      throw new AdminClientError('unreachable', unreachable(this.url, error), error);
    });
    if (response.ok) return response;
    const detail = await problemDetail(response);
    throw new AdminClientError(
      'refused',
      `${this.url} answered ${response.status}: ${detail}`,
      undefined,
      response.status,
    );
  }
}

/** The option that names the broker. */
export function adminOption(): Option {
  return new Option('--url <url>', 'admin server of the broker')
    .env('ROBUSTMQ_ADMIN_URL')
    .default(DEFAULT_ADMIN_URL)
    .argParser(adminUrl);
}

/** Ends the command with what the broker, or its absence, had to say. */
export async function orExplain(command: Command, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AdminClientError || error instanceof InvalidArgumentError) {
      command.error(error.message, { exitCode: 1 });
    }
    throw error;
  }
}

function adminUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new InvalidArgumentError(`Expected an address such as ${DEFAULT_ADMIN_URL}.`);
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
