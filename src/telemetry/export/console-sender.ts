import type { FinishedSpan } from '../finished-span.ts';
import type { ServiceNamer } from '../trace-document.ts';
import { toSpanDocument } from '../trace-document.ts';
import type { SendResult, SpanSender } from './span-sender.ts';

/** Writes each span as a line of JSON, for a look without a collector. */
export class ConsoleSender implements SpanSender {
  readonly destination = 'console';
  readonly #serviceName: ServiceNamer;
  readonly #write: (line: string) => void;

  constructor(serviceName: ServiceNamer, write: (line: string) => void) {
    this.#serviceName = serviceName;
    this.#write = write;
  }

  async send(spans: readonly FinishedSpan[]): Promise<SendResult> {
    for (const span of spans) {
      const line = { traceId: span.traceId, ...toSpanDocument(span, this.#serviceName) };
      this.#write(`${JSON.stringify(line)}\n`);
    }
    return { type: 'taken' };
  }

  async close(): Promise<void> {}
}
