import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs, threadCpuMs } from './process-usage.ts';

/** RobustMQ's thread that decides on traces and sends them: not on the way of any message. */
export const EXPORTER_THREAD = 'exporter';

export interface Interval {
  readonly elapsedMs: number;
  /** Of all threads but the exporter's. */
  readonly brokerCpuMs: number;
  readonly exporterCpuMs: number;
  readonly generatorCpuMs: number;
}

/** Lets the load run for the time given and says what processor time that took on both sides. */
export async function measureInterval(brokerPid: number, durationMs: number): Promise<Interval> {
  const startedAt = performance.now();
  const generatorBefore = process.cpuUsage();
  const brokerBefore = processCpuMs(brokerPid);
  const exporterBefore = threadCpuMs(brokerPid, EXPORTER_THREAD);
  await sleep(durationMs);
  const generator = process.cpuUsage(generatorBefore);
  const exporterCpuMs = threadCpuMs(brokerPid, EXPORTER_THREAD) - exporterBefore;
  return {
    brokerCpuMs: processCpuMs(brokerPid) - brokerBefore - exporterCpuMs,
    exporterCpuMs,
    elapsedMs: performance.now() - startedAt,
    generatorCpuMs: (generator.user + generator.system) / 1000,
  };
}
