import { OtlpSpanEncoder } from '../../src/telemetry/otlp/span-encoder.ts';
import { TraceTemplate } from '../../src/telemetry/otlp/trace-template.ts';
import type { RequestSender } from './request-sender.ts';
import type { SpanPipeline } from './span-pipeline.ts';
import { TracePlayer } from './trace-player.ts';

const MEMORY_BYTES = 4 * 2 ** 20;

/** How traces become bytes: span by span, or a template of the first in a batch and copies of it. */
export type Encoding = 'visitor' | 'template';

/** Our encoder, fed with the same spans and sending as large requests as the SDK. */
export class OwnPipeline implements SpanPipeline {
  readonly #encoding: Encoding;
  readonly #sender: RequestSender;
  readonly #player = new TracePlayer();
  readonly #memory = new Uint8Array(MEMORY_BYTES);
  readonly #encoder: OtlpSpanEncoder;
  readonly #template: TraceTemplate;
  readonly #messagesEach: number;
  #messages = 0;

  constructor(encoding: Encoding, sender: RequestSender, requestSpans: number) {
    this.#messagesEach = Math.floor(requestSpans / this.#player.spansEach);
    this.#encoding = encoding;
    this.#sender = sender;
    const resourceOf = (role: string) => ({ 'service.name': `robustmq-${role}` });
    this.#encoder = new OtlpSpanEncoder({
      resources: { broker: resourceOf('broker'), placement: resourceOf('placement'), journal: resourceOf('journal') },
      serviceVersion: '0.1.0',
      schemaUrl: '',
      maxBytes: MEMORY_BYTES,
    });
    this.#template = new TraceTemplate(this.#encoder);
  }

  async run(): Promise<number> {
    for (let each = 0; each < this.#messagesEach; each += 1) this.#encode(each === 0);
    const { spans, bytes, refused } = this.#encoder.takeBatch((length) => this.#memory.subarray(0, length));
    if (refused > 0) throw new Error(`${refused} spans did not fit`);
    await this.#sender.send(bytes);
    return spans;
  }

  close(): Promise<void> {
    return this.#sender.close();
  }

  #encode(isFirst: boolean): void {
    const n = this.#messages;
    const at = Date.now();
    this.#messages += 1;
    if (this.#encoding === 'visitor') this.#player.show(this.#encoder, n, at);
    else if (isFirst) this.#startTemplate(n, at);
    else this.#template.append(this.#player.patch(n, at));
  }

  #startTemplate(n: number, at: number): void {
    this.#template.start(this.#player.varying);
    this.#player.show(this.#template, n, at);
    if (!this.#template.finish()) throw new Error('the trace cannot be repeated');
  }
}
