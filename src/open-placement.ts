import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/schema.ts';
import { MemoryPlacement } from './placement/engines/memory/memory-placement.ts';
import { RocksdbPlacement } from './placement/engines/rocksdb/rocksdb-placement.ts';
import type { Placement } from './placement/placement.ts';
import { TracedPlacement } from './placement/traced-placement.ts';
import { LOG_EVENTS, METRICS } from './telemetry/catalogue.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** The configured placement engine, with its work on the traces and in metrics. */
export async function openPlacement(
  config: Config,
  { recorder, metrics, log }: Telemetry,
  clock: Clock,
): Promise<Placement> {
  const { engine } = config.placement;
  const placement =
    engine === 'rocksdb' ? await RocksdbPlacement.open(join(config.dataDir, 'placement')) : new MemoryPlacement();
  metrics.gauge(METRICS.placementQueueCalls, () => placement.writeLoad.calls);
  metrics.gauge(METRICS.placementQueueBytes, () => placement.writeLoad.bytes);
  log.write(LOG_EVENTS.placementOpened, { engine });
  return new TracedPlacement(placement, engine, recorder, metrics, clock);
}
