import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BatchTransport, SendResult } from './batch-transport.ts';
import { readableOtlpJson } from './otlp-json.ts';
import type { SpanBatch } from './span-batch.ts';

export interface FileExporterOptions {
  /** Of the file that is written; those before it are `<path>.1`, the latest, and so on. */
  readonly path: string;
  /** Beyond which the next line begins a new file. */
  readonly maxFileBytes: number;
  /** The one that is written included. */
  readonly maxFiles: number;
}

const TAKEN: SendResult = { type: 'taken', rejectedSpans: 0, message: '' };

/**
 * Writes requests as OTLP/JSON, one a line, as the OpenTelemetry Collector's `file` exporter does and its `otlpjsonfile`
 * receiver reads. A line that could not be written whole is taken back, and kept by whoever sends it.
 */
export class FileExporter implements BatchTransport {
  readonly destination: string;
  readonly #options: FileExporterOptions;
  #file: { readonly handle: FileHandle; size: number } | undefined;
  /** What is written now: lines must not run into each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: FileExporterOptions) {
    this.destination = options.path;
    this.#options = options;
  }

  async send({ bytes }: SpanBatch): Promise<SendResult> {
    const request = readableOtlpJson(bytes);
    if (request.type === 'unreadable') return { type: 'rejected', message: request.message };
    const result = this.#last.then(() => this.#write(Buffer.from(`${JSON.stringify(request.json)}\n`)));
    const settled = result.then(
      () => TAKEN,
      (error: Error): SendResult => ({ type: 'unavailable', message: error.message }),
    );
    this.#last = settled;
    return settled;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #write(line: Buffer): Promise<void> {
    this.#file ??= await this.#open();
    if (this.#file.size > 0 && this.#file.size + line.length > this.#options.maxFileBytes)
      this.#file = await this.#rotate(this.#file.handle);
    const file = this.#file;
    try {
      await file.handle.writeFile(line);
      file.size += line.length;
    } catch (error) {
      await file.handle.truncate(file.size);
      throw error;
    }
  }

  async #open(): Promise<{ handle: FileHandle; size: number }> {
    await mkdir(dirname(this.#options.path), { recursive: true });
    const handle = await open(this.#options.path, 'a', 0o600);
    return { handle, size: (await handle.stat()).size };
  }

  async #rotate(handle: FileHandle): Promise<{ handle: FileHandle; size: number }> {
    this.#file = undefined;
    await handle.close();
    const { path, maxFiles } = this.#options;
    for (let number = maxFiles - 1; number >= 1; number -= 1) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      await rename(from, `${path}.${number}`).catch(ignoreMissing);
    }
    if (maxFiles === 1) await rm(path, { force: true });
    return this.#open();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
