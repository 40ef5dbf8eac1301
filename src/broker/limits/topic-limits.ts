import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';

const LENGTH_HIT = counterId(METRICS.limitsHitTotal, 'topic_length');
const LEVELS_HIT = counterId(METRICS.limitsHitTotal, 'topic_levels');
const SLASH = 0x2f;

/** As the table `mqtt` of the configuration has them. */
export interface TopicLimitsConfig {
  readonly maxTopicBytes: number;
  readonly maxTopicLevels: number;
}

/** How long and how deep topic names and filters may be. What is refused is counted. */
export class TopicLimits {
  readonly #config: TopicLimitsConfig;
  readonly #metrics: Metrics;

  constructor(config: TopicLimitsConfig, metrics: Metrics) {
    this.#config = config;
    this.#metrics = metrics;
  }

  /** Whether the name or filter that lies at `[start, end)` is within the limits. */
  allow(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    const { maxTopicBytes, maxTopicLevels } = this.#config;
    if (end - start > maxTopicBytes) {
      this.#metrics.add(LENGTH_HIT, 1);
      return false;
    }
    let levels = 1;
    for (let at = start; at < end; at += 1) if (bytes[at] === SLASH) levels += 1;
    if (levels <= maxTopicLevels) return true;
    this.#metrics.add(LEVELS_HIT, 1);
    return false;
  }
}
