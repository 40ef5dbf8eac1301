import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { MAX_WATCH_RULES, type WatchCount, type WatchRule } from '../telemetry/sampling/watch-rules.ts';
import { Collection, type Stored, writeOne } from './collection.ts';
import { listAll } from './listing.ts';
import { type Placement, PlacementError } from './placement.ts';
import { json } from './value-codec.ts';
import { WatchedCollection } from './watched-collection.ts';

const SWEEP_MS = 1000;

const traceWatch = z.strictObject({
  clientId: z.string().optional(),
  topic: z.string().optional(),
  user: z.string().optional(),
  address: z.string().optional(),
  minDurationMs: z.number().optional(),
  errorsOnly: z.boolean().optional(),
  /** Unix milliseconds. */
  expiresAt: z.number(),
  limit: z.int().min(1),
  /** Over all nodes; each adds what it kept. */
  kept: z.int().min(0),
});

type TraceWatch = z.infer<typeof traceWatch>;

/** What operators watch, by the id of the rule. */
export const traceWatches = new Collection<TraceWatch>('trace-watch/', json(traceWatch));

/** A rule as it is asked for. */
export type TraceWatchWish = Omit<WatchRule, 'id' | 'expiresAt' | 'kept'> & { readonly forMs: number };

export interface TraceWatchesOptions {
  readonly clock: Clock;
  /** No id comes twice. */
  readonly newId: () => string;
  /** Told of rules that cannot be read, and of writes that failed and are tried again. */
  readonly onFailure: (error: Error) => void;
}

/**
 * The watch rules of all nodes: each node hears of every change, adds to a rule what it kept for it, and takes away rules
 * that have ended, whoever made them.
 */
export class TraceWatches {
  readonly #placement: Placement;
  readonly #options: TraceWatchesOptions;
  readonly #watched: WatchedCollection<TraceWatch, Stored<TraceWatch>>;
  readonly #timer: NodeJS.Timeout;
  /** Traces by id that are not in placement yet. */
  readonly #uncounted = new Map<string, number>();
  #creating = 0;
  /** One write after the other. */
  #writing = Promise.resolve();

  private constructor(
    placement: Placement,
    options: TraceWatchesOptions,
    watched: WatchedCollection<TraceWatch, Stored<TraceWatch>>,
  ) {
    this.#placement = placement;
    this.#options = options;
    this.#watched = watched;
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  /** @throws PlacementError */
  static async open(placement: Placement, options: TraceWatchesOptions): Promise<TraceWatches> {
    await removeUnreadable(placement, options.onFailure);
    const watched = await WatchedCollection.open(placement, traceWatches, (stored) => stored, options.onFailure);
    return new TraceWatches(placement, options, watched);
  }

  /** Those that have not ended, the first to expire first. */
  get rules(): readonly WatchRule[] {
    const now = this.#options.clock.now();
    return [...this.#watched.records.values()]
      .filter(({ value }) => !hasEnded(value, now))
      .map(({ name, value }) => ({ id: name, ...value }))
      .sort((a, b) => a.expiresAt - b.expiresAt);
  }

  /** Calls back with the rules whenever they change from now on. There is one listener at a time. */
  onChange(listener: (rules: readonly WatchRule[]) => void): void {
    this.#watched.onChange(() => listener(this.rules));
  }

  /**
   * Resolves when the rule is durable; undefined: there are as many as there may be.
   * @throws PlacementError
   */
  async create({ forMs, ...wish }: TraceWatchWish): Promise<WatchRule | undefined> {
    if (this.rules.length + this.#creating >= MAX_WATCH_RULES) return undefined;
    const { clock, newId } = this.#options;
    const id = newId();
    const watch = { ...wish, expiresAt: clock.now() + forMs, kept: 0 };
    this.#creating += 1;
    try {
      await traceWatches.put(this.#placement, id, watch);
    } finally {
      this.#creating -= 1;
    }
    return { id, ...watch };
  }

  /** Whether there was one. @throws PlacementError */
  async remove(id: string): Promise<boolean> {
    if (!this.#watched.records.has(id)) return false;
    await traceWatches.delete(this.#placement, id);
    return true;
  }

  /** Adds what this node kept; what cannot be written now is written later. */
  async addKept(counts: readonly WatchCount[]): Promise<void> {
    for (const { id, traces } of counts) this.#uncounted.set(id, (this.#uncounted.get(id) ?? 0) + traces);
    await this.#inTurn(() => this.#countAll());
  }

  /** Takes away what has ended. Every second by itself. */
  async sweep(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#countAll();
      await this.#removeEnded();
    });
  }

  /** Counts what it can, and stops following; the rules stay in placement. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.sweep();
    this.#watched.close();
  }

  /** What fails is told and tried again, so nothing here rejects. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(write).catch((error: Error) => this.#options.onFailure(error));
    return this.#writing;
  }

  async #removeEnded(): Promise<void> {
    const now = this.#options.clock.now();
    const ended = [...this.#watched.records.values()].filter(({ value }) => hasEnded(value, now));
    if (ended.length > 0)
      await this.#placement.write(ended.map(({ name, revision }) => traceWatches.deleting(name, revision)));
  }

  async #countAll(): Promise<void> {
    for (const id of this.#uncounted.keys()) await this.#count(id);
  }

  async #count(id: string): Promise<void> {
    for (;;) {
      const stored = await traceWatches.get(this.#placement, id);
      const traces = this.#uncounted.get(id) ?? 0;
      if (stored === undefined) {
        this.#uncounted.delete(id);
        return;
      }
      const watch = { ...stored.value, kept: stored.value.kept + traces };
      const outcome = await writeOne(this.#placement, traceWatches.putting(id, watch, stored.revision));
      // A conflict is another node's progress, so this ends.
      if (outcome.type === 'conflict') continue;
      const since = this.#uncounted.get(id)! - traces;
      this.#uncounted.delete(id);
      if (since > 0) this.#uncounted.set(id, since);
      return;
    }
  }
}

/** What is only for watching must not keep a broker from starting. */
async function removeUnreadable(placement: Placement, onFailure: (error: Error) => void): Promise<void> {
  for await (const entry of listAll(placement, traceWatches.prefix)) {
    try {
      traceWatches.decode(entry);
    } catch (error) {
      if (!(error instanceof PlacementError)) throw error;
      onFailure(error);
      await traceWatches.delete(placement, traceWatches.nameOf(entry.key));
    }
  }
}

const hasEnded = ({ expiresAt, limit, kept }: TraceWatch, now: number): boolean => now >= expiresAt || kept >= limit;
