import { join } from 'node:path';

/** What an index file says of the log it was made from. All of those bytes were durable before. */
export interface LogSummary {
  readonly logBytes: number;
  /** Offset behind the last record. */
  readonly end: number;
  readonly lastTimestamp: number;
  readonly salt: number;
}

const NAME_DIGITS = 20;
const LOG_NAME = /^(\d{20})\.log$/;

/**
 * A file of the log as far as it is committed: what lies behind `bytes` and `end` does not exist for readers.
 * Its identifier is the offset of its first record.
 */
export class Segment {
  readonly base: number;
  /** Path without the extension. */
  readonly #stem: string;
  /** Stamped on every batch of the segment; see record-batch.ts. */
  readonly salt: number;
  bytes = 0;
  end: number;
  /** Of the newest record; 0 in an empty segment. Unix milliseconds. */
  lastTimestamp = 0;

  constructor(folder: string, base: number, salt: number) {
    this.base = base;
    this.#stem = join(folder, String(base).padStart(NAME_DIGITS, '0'));
    this.salt = salt;
    this.end = base;
  }

  get logPath(): string {
    return `${this.#stem}.log`;
  }

  get indexPath(): string {
    return `${this.#stem}.index`;
  }

  get topicsPath(): string {
    return `${this.#stem}.topics`;
  }

  get summary(): LogSummary {
    return { logBytes: this.bytes, end: this.end, lastTimestamp: this.lastTimestamp, salt: this.salt };
  }
}

/** The base offset in a log file's name; undefined for other files. */
export function baseOffsetOf(fileName: string): number | undefined {
  const digits = LOG_NAME.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
