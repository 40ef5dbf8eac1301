import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES } from '../../../src/telemetry/catalogue.ts';
import type { ReceivedAttributes } from '../../../src/telemetry/testing/otlp-decoder.ts';
import { executableOf } from '../../../tools/backends/backend-cache.ts';
import { BACKENDS } from '../../../tools/backends/provide-backends.ts';
import { hasAll } from '../../e2e/traces/support/span-tree.ts';
import { type Settings, TestDirectory } from '../../support/test-settings.ts';
import { Collector } from './collector.ts';
import { Jaeger } from './jaeger.ts';
import type { StoredSpan } from './otlp-json.ts';

/** Long beyond any real way of a span; it ends a test that would hang, and says what there was. */
const WAIT_LIMIT_MS = 20_000;
const POLL_MS = 50;

const missing = BACKENDS.filter((backend) => !existsSync(executableOf(backend))).map(({ name }) => name);
/** For a test's `skip`: why it cannot run here, or false. On each test, so that they are counted. */
export const skip: string | false =
  missing.length > 0 && `${missing.join(' and ')} not built (\`npm run backends\` builds them)`;

// Spans leave at once: every test waits for them.
process.env.OTEL_BSP_SCHEDULE_DELAY = '5';

/** The way that traces go in production: a Collector, and behind it a Jaeger, which is asked for them. */
export class Backends implements AsyncDisposable {
  readonly collector: Collector;
  readonly jaeger: Jaeger;
  readonly #directory: TestDirectory;

  private constructor(directory: TestDirectory, jaeger: Jaeger, collector: Collector) {
    this.#directory = directory;
    this.jaeger = jaeger;
    this.collector = collector;
  }

  static async start(): Promise<Backends> {
    const backends = await Backends.withoutCollector();
    try {
      await backends.collector.start();
      return backends;
    } catch (error) {
      await backends[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** With a Collector that has not been started yet. */
  static async withoutCollector(): Promise<Backends> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await TestDirectory.create());
    const jaeger = stack.use(await Jaeger.start(directory));
    const backends = new Backends(directory, jaeger, await Collector.prepare(directory, jaeger.otlpPort));
    stack.move();
    return backends;
  }

  /** Of a broker that exports to the Collector. */
  settings(protocol: 'grpc' | 'http'): Settings {
    return {
      'telemetry.exporter_type': 'otlp',
      'telemetry.exporter_endpoint': this.collector.endpoint(protocol),
    };
  }

  /** The first span of this name with these attributes, once Jaeger has it. */
  async span(name: string, attributes: ReceivedAttributes): Promise<StoredSpan> {
    const service = `robustmq-${ROLES[0]}`;
    const isIt = (span: StoredSpan) => span.name === name && hasAttributes(span, attributes);
    const spans = await this.#until(
      `${name} ${JSON.stringify(attributes)}`,
      () => this.jaeger.find(service, name),
      (found) => found.some(isIt),
    );
    return spans.find(isIt)!;
  }

  /** A trace's spans, once Jaeger has those of these names. */
  trace(traceId: string, names: readonly string[]): Promise<StoredSpan[]> {
    return this.#until(
      `${names.join(', ')} in trace ${traceId}`,
      () => this.jaeger.trace(traceId),
      (spans) => hasAll(spans, names),
    );
  }

  /** Every span of the broker, once they are so many. */
  all(count: number): Promise<StoredSpan[]> {
    return this.allOnce(`${count} spans`, (spans) => spans.length >= count);
  }

  /** Every span of the broker, once they are enough. */
  allOnce(what: string, isEnough: (spans: readonly StoredSpan[]) => boolean): Promise<StoredSpan[]> {
    return this.#until(what, () => this.#stored(), isEnough);
  }

  async #stored(): Promise<StoredSpan[]> {
    const seen = new Set<string>();
    const spans: StoredSpan[] = [];
    for (const role of ROLES) {
      // Traces come whole, whichever of their services is asked for.
      const found = (await this.jaeger.find(`robustmq-${role}`)).filter(({ traceId }) => !seen.has(traceId));
      for (const { traceId } of found) seen.add(traceId);
      spans.push(...found);
    }
    return spans;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.collector[Symbol.asyncDispose]();
    await this.jaeger[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #until(
    what: string,
    ask: () => Promise<StoredSpan[]>,
    isEnough: (spans: readonly StoredSpan[]) => boolean,
  ): Promise<StoredSpan[]> {
    for (const endsAt = Date.now() + WAIT_LIMIT_MS; ; ) {
      const spans = await ask();
      if (isEnough(spans)) return spans;
      if (Date.now() > endsAt) {
        const names = spans.slice(0, 100).map(({ name, traceId }) => `${name} (${traceId})`);
        throw new Error(`${what} did not arrive; there was, of ${spans.length} spans: ${names.join(', ')}`);
      }
      await sleep(POLL_MS);
    }
  }
}

/** Whether the span has these attributes; it may have others. */
function hasAttributes({ attributes }: StoredSpan, wanted: ReceivedAttributes): boolean {
  return Object.entries(wanted).every(([key, value]) => JSON.stringify(attributes[key]) === JSON.stringify(value));
}
