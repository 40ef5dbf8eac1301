import { CodedError } from '../base/errors.ts';

export type ConfigErrorCode = 'file_unreadable' | 'file_malformed' | 'invalid';

/** What is wrong with one key. */
export interface Problem {
  /** TOML names and array indexes, joined by dots: `listeners.0.port`. */
  readonly key: string;
  readonly sentence: string;
}

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends CodedError<ConfigErrorCode> {
  readonly problems: readonly Problem[];

  constructor(code: ConfigErrorCode, summary: string, problems: readonly Problem[] = [], cause?: unknown) {
    super(code, [summary, ...problems.map(({ sentence }) => `  - ${sentence}`)].join('\n'), cause);
    this.problems = problems;
  }
}

const LONGEST_VALUE = 80;

/** A value as a message may show it: short, and without the credentials a URL may carry. */
export function showValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  const safe = withoutCredentials(text);
  return safe.length > LONGEST_VALUE ? `${safe.slice(0, LONGEST_VALUE)}…` : safe;
}

/** Replaces `user:password@` in URLs. */
export const withoutCredentials = (text: string): string => text.replaceAll(/:\/\/[^/\s"]*@/g, '://***@');
