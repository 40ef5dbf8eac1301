import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { PlacementError } from '../../placement.ts';
import type { LateCommit } from './database.ts';
import type { DatabaseAnswer, DatabaseRequest, NumberedAnswer, NumberedRequest } from './database-protocol.ts';

/** Requests that may wait for their answer; what comes on top is refused with `limit_reached`. */
const PENDING_REQUESTS = 65_536;

interface Pending {
  readonly resolve: (answer: DatabaseAnswer) => void;
  readonly reject: (error: PlacementError) => void;
}

/** This side of the database thread. */
export class DatabaseThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #ended: PlacementError | undefined;

  constructor(onLate: (late: LateCommit) => void) {
    // The same ending as this file: .ts from the sources, .js once packed.
    const ending = extname(fileURLToPath(import.meta.url));
    this.#worker = new Worker(new URL(`./database-worker${ending}`, import.meta.url));
    this.#worker.on('message', ({ id, answer, late }: NumberedAnswer) => {
      if (late !== undefined) onLate(late);
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      pending?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#end(`the database thread failed: ${String(error)}`, error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end('the database thread has ended');
        resolve();
      });
    });
  }

  async ask<Type extends DatabaseAnswer['type']>(
    request: DatabaseRequest,
    expected: Type,
  ): Promise<DatabaseAnswer & { type: Type }> {
    const answer = await this.#send(request);
    if (answer.type === 'failed') throw new PlacementError(answer.code, answer.message);
    if (!isOfType(answer, expected)) throw new Error(`the database thread answers ${request.type} with ${answer.type}`);
    return answer;
  }

  async close(): Promise<void> {
    try {
      await this.ask({ type: 'close' }, 'done');
    } finally {
      await this.#exited;
    }
  }

  #send(request: DatabaseRequest): Promise<DatabaseAnswer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#pending.size >= PENDING_REQUESTS) {
      return Promise.reject(new PlacementError('limit_reached', `${PENDING_REQUESTS} requests wait for the database`));
    }
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      this.#pending.set(this.#lastId, { resolve, reject });
      const message: NumberedRequest = { id: this.#lastId, request };
      this.#worker.postMessage(message);
    });
  }

  #end(message: string, cause?: unknown): void {
    this.#ended ??= new PlacementError('io_failed', message, cause);
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}

function isOfType<Type extends DatabaseAnswer['type']>(
  answer: DatabaseAnswer,
  type: Type,
): answer is DatabaseAnswer & { type: Type } {
  return answer.type === type;
}
