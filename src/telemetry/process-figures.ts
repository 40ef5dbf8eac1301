import { readdirSync, readFileSync, statSync } from 'node:fs';
import { constants, type PerformanceEntry, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { METRICS } from './catalogue.ts';
import { counterId, type HistogramId, histogramId, type Metrics } from './metrics.ts';

const DELAY_EVERY_MS = 20;
const US_PER_S = 1e6;

const GC_BY_KIND: ReadonlyMap<number, HistogramId> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, histogramId(METRICS.nodejsGcDurationSeconds, 'minor')],
  [constants.NODE_PERFORMANCE_GC_MAJOR, histogramId(METRICS.nodejsGcDurationSeconds, 'major')],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, histogramId(METRICS.nodejsGcDurationSeconds, 'incremental')],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, histogramId(METRICS.nodejsGcDurationSeconds, 'weakcb')],
]);
const DELAY = histogramId(METRICS.nodejsEventLoopDelaySeconds);
const OTHER_GC = histogramId(METRICS.nodejsGcDurationSeconds, 'other');

/** An entry of type `gc`, as Node.js documents it. */
interface GarbageCollection extends PerformanceEntry {
  readonly detail?: { readonly kind: number };
}

/**
 * What the process says of itself: read at a scrape, but for garbage collections and delays, which are observed as they
 * happen. Nothing here grows with the number of sockets: a scrape stops the event loop, and with it every message, for as
 * long as it takes.
 */
export class ProcessFigures {
  readonly #collections: PerformanceObserver;
  readonly #delays: NodeJS.Timeout;

  constructor(metrics: Metrics) {
    this.#collections = observeCollections(metrics);
    this.#delays = observeDelays(metrics);
    declareProcess(metrics);
    if (process.platform === 'linux') declareDescriptors(metrics);
  }

  /** Ends what is observed; the figures can still be read. */
  close(): void {
    this.#collections.disconnect();
    clearInterval(this.#delays);
  }
}

function observeCollections(metrics: Metrics): PerformanceObserver {
  const observer = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as GarbageCollection[])
      metrics.observe(GC_BY_KIND.get(detail?.kind ?? -1) ?? OTHER_GC, duration / 1000);
  });
  observer.observe({ entryTypes: ['gc'] });
  return observer;
}

/** By a timer of our own: Node's monitor adds its interval to every delay, and begins anew for whoever reads it. */
function observeDelays(metrics: Metrics): NodeJS.Timeout {
  let dueAt = performance.now() + DELAY_EVERY_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    metrics.observe(DELAY, (now - dueAt) / 1000);
    dueAt = now + DELAY_EVERY_MS;
  }, DELAY_EVERY_MS);
  return timer.unref();
}

function declareProcess(metrics: Metrics): void {
  metrics.counted(counterId(METRICS.processCpuUserSecondsTotal), () => process.cpuUsage().user / US_PER_S);
  metrics.counted(counterId(METRICS.processCpuSystemSecondsTotal), () => process.cpuUsage().system / US_PER_S);
  metrics.counted(counterId(METRICS.processCpuSecondsTotal), () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / US_PER_S;
  });
  metrics.gauge(METRICS.processStartTimeSeconds, () => performance.timeOrigin / 1000);
  metrics.gauge(METRICS.processResidentMemoryBytes, () => process.memoryUsage.rss());
  metrics.gauge(METRICS.nodejsHeapSizeTotalBytes, () => getHeapStatistics().total_heap_size);
  metrics.gauge(METRICS.nodejsHeapSizeUsedBytes, () => getHeapStatistics().used_heap_size);
  metrics.gauge(METRICS.nodejsExternalMemoryBytes, () => getHeapStatistics().external_memory);
  metrics.gauge(METRICS.nodejsVersionInfo, () => [[process.version, 1]]);
  for (const state of ['active', 'idle'] as const)
    metrics.counted(
      counterId(METRICS.nodejsEventLoopTimeSecondsTotal, state),
      () => performance.eventLoopUtilization()[state] / 1000,
    );
}

function declareDescriptors(metrics: Metrics): void {
  const maximum = maximumDescriptors();
  metrics.gauge(METRICS.processOpenFds, openDescriptors);
  metrics.gauge(METRICS.processMaxFds, () => maximum);
}

/** Linux says the number as the folder's size from 6.2 on; before, they have to be counted. */
function openDescriptors(): number {
  return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length;
}

/** The soft limit, which does not change while we run; 0 where it cannot be read. */
function maximumDescriptors(): number {
  const [, limit] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit ?? 0);
}
