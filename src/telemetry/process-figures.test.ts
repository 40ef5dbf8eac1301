import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { METRICS } from './catalogue.ts';
import { counterId, histogramId, Metrics } from './metrics.ts';
import { ProcessFigures } from './process-figures.ts';
import { observationsOf } from './testing/observations.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const DELAY = histogramId(METRICS.nodejsEventLoopDelaySeconds);
const MAJOR = histogramId(METRICS.nodejsGcDurationSeconds, 'major');

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe('figures of the process', () => {
  it('are what the system says', () => {
    const metrics = new Metrics();
    new ProcessFigures(metrics).close();
    const user = metrics.value(counterId(METRICS.processCpuUserSecondsTotal));
    const all = metrics.value(counterId(METRICS.processCpuSecondsTotal));
    assert.ok(user > 0 && all >= user && all < 3600);
    assert.ok(Number(metrics.readGauge(METRICS.processResidentMemoryBytes)) > 1_000_000);
    assert.ok(Math.abs(Number(metrics.readGauge(METRICS.processStartTimeSeconds)) * 1000 - Date.now()) < 3_600_000);
    assert.deepEqual(metrics.readGauge(METRICS.nodejsVersionInfo), [[process.version, 1]]);
    if (process.platform !== 'linux') return;
    const [open, maximum] = [METRICS.processOpenFds, METRICS.processMaxFds].map((gauge) =>
      Number(metrics.readGauge(gauge)),
    );
    assert.ok(open! >= 3 && maximum! >= open!);
  });

  it('tell how long the event loop was held up', async (t) => {
    const metrics = new Metrics();
    const figures = new ProcessFigures(metrics);
    t.after(() => figures.close());
    block(100);
    while (observationsOf(metrics, DELAY) === 0) await nextTurn();
    assert.equal(observationsOf(metrics, DELAY, 0.05), 1);
  });

  it('count garbage collections until they are closed, and then nothing holds the metrics', async () => {
    const metrics = new Metrics();
    const figures = new ProcessFigures(metrics);
    const collections = () => observationsOf(metrics, MAJOR);
    collectGarbage();
    while (collections() === 0) await nextTurn();
    figures.close();
    const before = collections();
    const delays = observationsOf(metrics, DELAY);
    const other = new Metrics();
    const stillOpen = new ProcessFigures(other);
    collectGarbage();
    while (observationsOf(other, MAJOR) === 0) await nextTurn();
    stillOpen.close();
    assert.equal(collections(), before);
    assert.equal(observationsOf(metrics, DELAY), delays);
  });
});
