import { setTimeout as sleep } from 'node:timers/promises';
import { mainThreadCpuMs, processCpuMs, threadCpuMs } from './process-usage.ts';

/** RobustMQ's thread that decides on traces and sends them: not on the way of any message. */
export const EXPORTER_THREAD = 'exporter';

export interface Interval {
  readonly elapsedMs: number;
  /** Of all threads but the exporter's. */
  readonly brokerCpuMs: number;
  /** Of it, the thread that messages are on: the others compile and collect garbage for all threads, the exporter's too. */
  readonly mainThreadCpuMs: number;
  readonly exporterCpuMs: number;
  readonly generatorCpuMs: number;
}

/** Lets the load run for the time given and says what processor time that took on both sides. */
export async function measureInterval(brokerPid: number, durationMs: number): Promise<Interval> {
  const startedAt = performance.now();
  const generatorBefore = process.cpuUsage();
  const brokerBefore = processCpuMs(brokerPid);
  const mainThreadBefore = mainThreadCpuMs(brokerPid);
  const exporterBefore = threadCpuMs(brokerPid, EXPORTER_THREAD);
  await sleep(durationMs);
  const generator = process.cpuUsage(generatorBefore);
  const exporterCpuMs = threadCpuMs(brokerPid, EXPORTER_THREAD) - exporterBefore;
  return {
    brokerCpuMs: processCpuMs(brokerPid) - brokerBefore - exporterCpuMs,
    mainThreadCpuMs: mainThreadCpuMs(brokerPid) - mainThreadBefore,
    exporterCpuMs,
    elapsedMs: performance.now() - startedAt,
    generatorCpuMs: (generator.user + generator.system) / 1000,
  };
}
