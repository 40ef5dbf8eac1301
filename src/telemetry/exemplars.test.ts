import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from './catalogue.ts';
import { Exemplars } from './exemplars.ts';
import { histogramId } from './metrics.ts';

const publish = histogramId(METRICS.requestDurationSeconds, 'publish');
const connect = histogramId(METRICS.requestDurationSeconds, 'connect');
const { bounds } = METRICS.requestDurationSeconds;

describe('exemplars', () => {
  it('belong to the bucket of their value, in their own series', () => {
    const exemplars = new Exemplars();
    exemplars.offer(publish, 0.02, 'aa', 'bb', 1000);
    exemplars.offer(publish, 60, 'cc', 'dd', 1000);
    assert.deepEqual(exemplars.ofBucket(publish + bounds.indexOf(0.025)), {
      value: 0.02,
      traceId: 'aa',
      spanId: 'bb',
      at: 1000,
    });
    assert.equal(exemplars.ofBucket(publish + bounds.length)?.traceId, 'cc');
    assert.equal(exemplars.ofBucket(publish + bounds.indexOf(0.01)), undefined);
    assert.equal(exemplars.ofBucket(connect + bounds.indexOf(0.025)), undefined);
  });

  it('are the newest of their bucket, in whatever order they are offered', () => {
    const exemplars = new Exemplars();
    const bucket = publish + bounds.indexOf(0.025);
    exemplars.offer(publish, 0.02, 'second', 's', 2000);
    exemplars.offer(publish, 0.021, 'first', 's', 1000);
    assert.equal(exemplars.ofBucket(bucket)?.traceId, 'second');
    exemplars.offer(publish, 0.022, 'third', 's', 3000);
    assert.equal(exemplars.ofBucket(bucket)?.traceId, 'third');
  });
});
