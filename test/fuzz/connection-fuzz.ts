import { setTimeout as sleep } from 'node:timers/promises';
import { metric, until } from '../chaos/support/metric.ts';
import type { Settings } from '../support/test-settings.ts';
import { type ConnectionScript, ScriptWriter } from './connection-script.ts';
import { minimise } from './minimise.ts';
import { ObservedBroker } from './observed-broker.ts';
import { playScript } from './play-script.ts';
import { Witness } from './witness.ts';

const MIB = 1024 * 1024;
const AT_ONCE = 8;
/** After so many connections the broker has what it keeps once: code that is compiled, pools, the fuzzer's topics. */
const WARM_UP = 200;
const LOOK_EVERY_MS = 200;
/** Nothing that a few small packets ask for may keep the others waiting so long; the largest seen is in the report. */
const BUSY_LIMIT_MS = 250;
/**
 * What may be held more after any number of connections than after the first ones. The table of topics alone may grow by
 * about 55 MiB: 65,536 entries of half a kibibyte, and 8 MiB of names that are held three times over.
 */
const GROWTH_LIMIT_BYTES = 64 * MIB;
/** Scripts of which one has done it, when something is found. */
const SUSPECTS = 32;
/** A new broker is slow, and answers what it has not answered before. */
const REPLAY_PATIENCE_MS = 300;
const SHOWN_BYTES = 200;

/** What the fuzzer's clients leave behind ends by itself, so that what remains is a leak. */
const SETTINGS: Settings = {
  'mqtt.connect_timeout_ms': 300,
  'mqtt.session_expiry_maximum_seconds': 1,
  'mqtt.session_expiry_for_v3_seconds': 1,
  'mqtt.max_retained_messages': 200,
  'journal.segment_bytes': 4 * MIB,
  'journal.retention_bytes': 16 * MIB,
  'telemetry.ring_bytes': 1024 * 1024,
  'telemetry.sampling.rate': 0.01,
};

export interface ConnectionOptions {
  readonly seed: number;
  /** Of the broker, over those of the fuzzer. */
  readonly settings?: Settings;
  readonly isOver: (connections: number) => boolean;
}

export interface ConnectionReport {
  readonly connections: number;
  readonly bytes: number;
  readonly findings: readonly string[];
  readonly longestBusyMs: number;
  readonly longestRoundTripMs: number;
  /** Messages of the witnesses, none of them lost. */
  readonly witnessed: number;
  readonly growthBytes: number;
}

/** Connections that send what nobody should, to a real broker on which others work as always. */
export async function fuzzConnections(options: ConnectionOptions): Promise<ConnectionReport> {
  await using broker = await ObservedBroker.start({ ...SETTINGS, ...options.settings });
  const run = new FuzzRun(broker, options);
  return await run.play();
}

class FuzzRun {
  readonly #broker: ObservedBroker;
  readonly #options: ConnectionOptions;
  readonly #writer: ScriptWriter;
  /** By number, from which the seed makes them again. */
  readonly #recent = new Map<number, ConnectionScript>();
  readonly #findings: string[] = [];
  #connections = 0;
  #bytes = 0;
  #longestBusyMs = 0;

  constructor(broker: ObservedBroker, options: ConnectionOptions) {
    this.#broker = broker;
    this.#options = options;
    this.#writer = new ScriptWriter(options.seed);
  }

  async play(): Promise<ConnectionReport> {
    const { port } = this.#broker;
    const witnesses = [await Witness.begin(port, 4), await Witness.begin(port, 5)];
    for (const witness of witnesses)
      witness.failed.catch((error: Error) => this.#findings.push(`a witness was harmed: ${error.message}`));
    await this.#connect((connections) => connections >= WARM_UP);
    await this.#settled(witnesses.length);
    const { heldBytes } = await this.#broker.vitalsAfterCollection();
    await this.#connect(this.#options.isOver);
    await this.#settled(witnesses.length);
    const growthBytes = (await this.#broker.vitalsAfterCollection().catch(() => ({ heldBytes }))).heldBytes - heldBytes;
    if (growthBytes > GROWTH_LIMIT_BYTES)
      this.#findings.push(`the broker holds ${growthBytes} bytes more than at first`);
    await this.#end(witnesses);
    if (this.#findings.length > 0) this.#findings.push(...(await this.#culprit()));
    return {
      connections: this.#connections,
      bytes: this.#bytes,
      findings: this.#findings,
      longestBusyMs: this.#longestBusyMs,
      longestRoundTripMs: Math.max(...witnesses.map(({ longestRoundTripMs }) => longestRoundTripMs)),
      witnessed: witnesses.reduce((sum, { messages }) => sum + messages, 0),
      growthBytes,
    };
  }

  async #connect(isOver: (connections: number) => boolean): Promise<void> {
    const isDone = (): boolean => isOver(this.#connections) || this.#findings.length > 0;
    const workers = Array.from({ length: AT_ONCE }, async () => {
      while (!isDone()) await this.#one();
    });
    const watch = async (): Promise<void> => {
      for (; !isDone(); await sleep(LOOK_EVERY_MS)) await this.#look();
    };
    await Promise.all([...workers, watch()]);
    await this.#look();
  }

  async #one(): Promise<void> {
    const number = this.#connections;
    const script = this.#writer.script(number);
    this.#connections += 1;
    this.#bytes += script.chunks.reduce((sum, { length }) => sum + length, 0);
    this.#recent.set(number, script);
    this.#recent.delete(number - SUSPECTS);
    try {
      await playScript(script, this.#broker.port);
    } catch (error) {
      this.#findings.push(`${(error as Error).message} (connection ${number}: ${hexOf(script)})`);
    }
  }

  /** Whether the broker is there, has logged no error, and did not keep others waiting. */
  async #look(): Promise<void> {
    const { errors } = this.#broker.process;
    if (errors !== '') this.#findings.push(`the broker says: ${errors.slice(0, 2000)}`);
    try {
      const { longestBusyMs } = await this.#broker.vitals();
      if (longestBusyMs > BUSY_LIMIT_MS) this.#findings.push(`the broker was busy for ${longestBusyMs.toFixed(0)} ms`);
      this.#longestBusyMs = Math.max(this.#longestBusyMs, longestBusyMs);
    } catch {
      this.#findings.push('the broker is not there any more');
    }
  }

  /** The fuzzer's connections and sessions have ended; the witnesses' have not. */
  async #settled(witnesses: number): Promise<void> {
    if (this.#findings.length > 0) return;
    try {
      for (const name of ['robustmq_connections ', 'robustmq_sessions '])
        await until(name, async () => (await metric(this.#broker.adminUrl, name)) === witnesses);
    } catch (error) {
      this.#findings.push((error as Error).message);
    }
  }

  async #end(witnesses: readonly Witness[]): Promise<void> {
    await Promise.allSettled(witnesses.map((witness) => witness.end()));
    const { code, signal } = await this.#broker.kill('SIGTERM');
    if (code !== 0) this.#findings.push(`the broker ended with ${code ?? signal}: ${this.#broker.process.errors}`);
  }

  /** The first of the last connections that, alone with a new broker, does harm again; with all left out that it needs not. */
  async #culprit(): Promise<string[]> {
    for (const script of [...this.#recent.values()].toReversed()) {
      if (!(await this.#harms(script))) continue;
      const needed = await minimise(Buffer.concat(script.chunks), (bytes) =>
        this.#harms({ chunks: [bytes], end: script.end }),
      );
      return [`one connection alone does it: ${needed.toString('hex')} (${script.end})`];
    }
    const shown = [...this.#recent].map(([number, script]) => `connection ${number}: ${hexOf(script)}`);
    return ['none of the last connections does it alone:', ...shown];
  }

  async #harms(script: ConnectionScript): Promise<boolean> {
    await using broker = await ObservedBroker.start({ ...SETTINGS, ...this.#options.settings });
    try {
      await playScript(script, broker.port, REPLAY_PATIENCE_MS);
    } catch {
      return true;
    }
    const { longestBusyMs } = await broker.vitals().catch(() => ({ longestBusyMs: Number.POSITIVE_INFINITY }));
    const { code } = await broker.kill('SIGTERM');
    return longestBusyMs > BUSY_LIMIT_MS || code !== 0 || broker.process.errors !== '';
  }
}

function hexOf({ chunks, end }: ConnectionScript): string {
  const bytes = Buffer.concat(chunks);
  return `${bytes.toString('hex', 0, SHOWN_BYTES)}${bytes.length > SHOWN_BYTES ? '…' : ''} (${chunks.length} pieces, ${end})`;
}
