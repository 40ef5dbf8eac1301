import type { Resources } from '../resources.ts';
import { ConsoleSender } from './console-sender.ts';
import { OtlpSender } from './otlp-sender.ts';
import { otlpTarget } from './otlp-target.ts';
import { ReadableSpans } from './readable-span.ts';
import type { SpanSender } from './span-sender.ts';

export type ExporterType = 'otlp' | 'console' | 'none';

export interface SenderOptions {
  readonly type: ExporterType;
  readonly endpoint: string;
  readonly timeoutMs: number;
  readonly serviceVersion: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined for `none`: spans then stay in the process. */
export function createSender(
  options: SenderOptions,
  resources: Resources,
  environment: Environment,
): SpanSender | undefined {
  switch (options.type) {
    case 'none':
      return undefined;
    case 'console':
      return new ConsoleSender(
        (role) => String(resources[role].attributes['service.name']),
        (line) => process.stdout.write(line),
      );
    case 'otlp':
      return new OtlpSender(
        otlpTarget(options.endpoint, environment),
        new ReadableSpans(resources, options.serviceVersion),
        timeoutFrom(environment) ?? options.timeoutMs,
      );
  }
}

function timeoutFrom(environment: Environment): number | undefined {
  const variable = environment.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? environment.OTEL_EXPORTER_OTLP_TIMEOUT;
  const timeoutMs = Number(variable);
  return Number.isFinite(timeoutMs) && timeoutMs > 0 ? timeoutMs : undefined;
}
