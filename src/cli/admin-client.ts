import { type Command, InvalidArgumentError, Option } from 'commander';
import { CodedError } from '../base/errors.ts';
import { ExitCode } from './exit-code.ts';

export const DEFAULT_ADMIN_URL = 'http://127.0.0.1:9883';

interface RefusedValue {
  /** As the API calls it. */
  readonly parameter: string;
  /** What it should be. */
  readonly problem: string;
}

export class AdminClientError extends CodedError<'unreachable' | 'refused' | 'broken'> {
  /** Of the answer that refused. */
  readonly status: number | undefined;
  /** What the broker refused of the request, where it is one value. */
  readonly refused: RefusedValue | undefined;

  constructor(
    code: 'unreachable' | 'refused' | 'broken',
    message: string,
    more: { readonly cause?: unknown; readonly status?: number; readonly refused?: RefusedValue | undefined } = {},
  ) {
    super(code, message, more.cause);
    this.status = more.status;
    this.refused = more.refused;
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
      throw new AdminClientError('unreachable', unreachable(this.url, error), { cause: error });
    });
    if (response.ok) return response;
    const { status } = response;
    const { detail, refused } = await problemOf(response);
    throw new AdminClientError('refused', `${this.url} answered ${status}: ${detail}`, { status, refused });
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
    if (error instanceof InvalidArgumentError) command.error(error.message, { exitCode: ExitCode.usage });
    if (!(error instanceof AdminClientError)) throw error;
    const sentence = error.refused && sentenceOfFlag(command, error.refused);
    if (sentence !== undefined) command.error(sentence, { exitCode: ExitCode.usage });
    const isGone = error.code === 'unreachable';
    command.error(error.message, { exitCode: isGone ? ExitCode.unavailable : ExitCode.failure });
  }
}

/** What the API calls otherwise than the flag; the others have the name of their flag. */
const FLAGS: Readonly<Record<string, string>> = {
  clientId: 'client',
  minDurationMs: 'min-duration',
  errorsOnly: 'error',
  forSeconds: 'for',
  ratePerSecond: 'rate',
  serverReference: 'server-reference',
};

/** In the words of who typed it; undefined where no flag of the command is meant. */
function sentenceOfFlag(command: Command, { parameter, problem }: RefusedValue): string | undefined {
  const flag = `--${FLAGS[parameter] ?? parameter}`;
  const option = command.options.find(({ long }) => long === flag);
  if (option === undefined) return undefined;
  const value: unknown = command.getOptionValue(option.attributeName());
  return `${flag}${typeof value === 'string' ? ` ${value}` : ''}: ${problem}.`;
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

async function problemOf(response: Response): Promise<{ detail: string; refused: RefusedValue | undefined }> {
  const text = await response.text();
  try {
    const { detail, parameter, problem } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const isOneValue = typeof parameter === 'string' && typeof problem === 'string';
    return {
      detail: typeof detail === 'string' ? detail : response.statusText,
      refused: isOneValue ? { parameter, problem } : undefined,
    };
  } catch {
    return { detail: response.statusText, refused: undefined };
  }
}
