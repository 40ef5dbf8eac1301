import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs } from './process-usage.ts';

export interface Interval {
  readonly elapsedMs: number;
  readonly brokerCpuMs: number;
  readonly generatorCpuMs: number;
}

/** Lets the load run for the time given and says what processor time that took on both sides. */
export async function measureInterval(brokerPid: number, durationMs: number): Promise<Interval> {
  const startedAt = performance.now();
  const generatorBefore = process.cpuUsage();
  const brokerBefore = processCpuMs(brokerPid);
  await sleep(durationMs);
  const generator = process.cpuUsage(generatorBefore);
  return {
    brokerCpuMs: processCpuMs(brokerPid) - brokerBefore,
    elapsedMs: performance.now() - startedAt,
    generatorCpuMs: (generator.user + generator.system) / 1000,
  };
}
