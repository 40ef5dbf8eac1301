/** Runs one pipeline in a process of its own, whose processor time is then that of the pipeline: all threads, and no other's garbage. */

import { PIPELINES } from './pipelines.ts';

/** Asked of it: a round. */
export interface RoundRequest {
  readonly durationMs: number;
}

/** Answered. */
export interface RoundResult {
  readonly spans: number;
  /** Of all threads. */
  readonly cpuMicros: number;
  /** Of the thread that records; of the SDK that is the one that sends, too. */
  readonly recordingMicros: number;
}

const [index, http, grpc] = process.argv.slice(2) as [string, string, string];
const pipeline = PIPELINES[Number(index)]!.open({ http, grpc });

async function round({ durationMs }: RoundRequest): Promise<RoundResult> {
  const until = performance.now() + durationMs;
  const before = process.cpuUsage();
  const recordingBefore = process.threadCpuUsage();
  let spans = 0;
  while (performance.now() < until) spans += await pipeline.run();
  const { user, system } = process.cpuUsage(before);
  const recording = process.threadCpuUsage(recordingBefore);
  return { spans, cpuMicros: user + system, recordingMicros: recording.user + recording.system };
}

process.on('message', async (request: RoundRequest) => process.send!(await round(request)));
process.on('disconnect', async () => {
  await pipeline.close();
  process.exit();
});
