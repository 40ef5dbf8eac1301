import type { ReceivedAttributes, ReceivedSpan } from '../../../../src/telemetry/testing/otlp-decoder.ts';
import { OtlpReceiver } from '../../../../src/telemetry/testing/otlp-receiver.ts';
import { RawClient } from '../../../support/raw-client.ts';
import { TestBroker } from '../../../support/test-broker.ts';
import type { Settings } from '../../../support/test-settings.ts';
import { hasAll } from './span-tree.ts';

/** Long beyond any real export: it ends a test that would hang, and says what there was. */
const WAIT_LIMIT_MS = 20_000;

// Spans leave at once: every test waits for them.
process.env.OTEL_BSP_SCHEDULE_DELAY = '5';

export interface TracedBrokerOptions {
  readonly protocol?: 'grpc' | 'http';
  readonly settings?: Settings;
  readonly toml?: string;
}

/** A broker that exports to a real OTLP receiver, and what arrives there. */
export class TracedBroker implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly receiver: OtlpReceiver;

  private constructor(broker: TestBroker, receiver: OtlpReceiver) {
    this.broker = broker;
    this.receiver = receiver;
  }

  static async start({ protocol = 'grpc', settings = {}, toml }: TracedBrokerOptions = {}): Promise<TracedBroker> {
    const receiver = await OtlpReceiver.start();
    const port = protocol === 'grpc' ? receiver.grpcPort : receiver.httpPort;
    const exporter = {
      'telemetry.exporter_type': 'otlp',
      'telemetry.exporter_endpoint': `${protocol}://127.0.0.1:${port}`,
    };
    return new TracedBroker(await TestBroker.start({ ...exporter, ...settings }, toml), receiver);
  }

  get port(): number {
    return this.broker.port;
  }

  connect(options: Partial<Parameters<typeof RawClient.connect>[0]> = {}): ReturnType<typeof RawClient.connect> {
    return RawClient.connect({ port: this.port, ...options });
  }

  /** The first span of this name with these attributes, once it has arrived. */
  async span(name: string, attributes: ReceivedAttributes = {}): Promise<ReceivedSpan> {
    const isIt = (span: ReceivedSpan) => span.name === name && hasAttributes(span, attributes);
    await this.#until(`${name} ${JSON.stringify(attributes)}`, (spans) => spans.some(isIt));
    return this.receiver.spans.find(isIt)!;
  }

  /** The spans of a trace, once those of these names have arrived. */
  async trace(traceId: string, names: readonly string[]): Promise<readonly ReceivedSpan[]> {
    const ofTrace = (spans: readonly ReceivedSpan[]) => spans.filter((span) => span.traceId === traceId);
    await this.#until(`${names.join(', ')} in trace ${traceId}`, (spans) => hasAll(ofTrace(spans), names));
    return ofTrace(this.receiver.spans);
  }

  /** What `/metrics` says: sample (name and labels as written) to value. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${this.broker.adminUrl}/metrics`)).text();
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  /** Stops the broker; everything it had to say has arrived then. */
  async stop(): Promise<readonly ReceivedSpan[]> {
    await this.broker.stop();
    return this.receiver.spans;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    await this.receiver.close();
  }

  async #until(what: string, isEnough: (spans: readonly ReceivedSpan[]) => boolean): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const limit = setTimeout(() => {
      const names = this.receiver.spans.map(({ name, traceId }) => `${name} (${traceId})`).join(', ');
      reject(new Error(`${what} did not arrive; there was: ${names}`));
    }, WAIT_LIMIT_MS);
    try {
      await Promise.race([this.receiver.until(isEnough), promise]);
    } finally {
      clearTimeout(limit);
    }
  }
}

/** Whether the span has these attributes; it may have others. */
function hasAttributes({ attributes }: ReceivedSpan, wanted: ReceivedAttributes): boolean {
  return Object.entries(wanted).every(([key, value]) => JSON.stringify(attributes[key]) === JSON.stringify(value));
}
