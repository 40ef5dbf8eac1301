import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import { CONTEXT_BYTES } from '../../telemetry/trace-context.ts';

/** The span as a context to hand to placement or journal; undefined where nothing is recorded. */
export function contextOf(recorder: Recorder, span: SpanHandle): Uint8Array | undefined {
  if (span === NO_SPAN) return undefined;
  const context = new Uint8Array(CONTEXT_BYTES);
  recorder.context(span, context, 0);
  return context;
}
