import type { Recorder } from './recorder.ts';
import { CONTEXT_BYTES } from './trace-context.ts';

/** Telemetry switched off: no span is ever recorded. */
export const disabledRecorder: Recorder = {
  root: () => 0,
  continued: () => 0,
  linked: () => 0,
  child: () => 0,
  attribute: () => undefined,
  link: () => undefined,
  fail: () => undefined,
  end: () => undefined,
  context: (_handle, out, outOffset) => {
    out.fill(0, outOffset, outOffset + CONTEXT_BYTES);
  },
};
