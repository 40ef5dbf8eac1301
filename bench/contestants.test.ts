import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BrokerKind } from './brokers/broker.ts';
import type { Collector } from './collectors/collector.ts';
import { contestants } from './contestants.ts';

const kind = (name: string, exportsTraces: boolean): BrokerKind => ({
  name,
  exportsTraces,
  version: () => '1',
  start: () => Promise.reject(new Error('not to be started')),
});
const collector = (label: string | undefined): Collector => ({
  label,
  endpoint: 'http://127.0.0.1:1',
  misbehave: async () => {},
  recover: async () => {},
  receivedSpans: async () => undefined,
});

describe('contestants', () => {
  const kinds = [kind('robustmq', true), kind('mosquitto', false)];

  it('are the brokers, where nothing is exported', () => {
    assert.deepEqual(
      contestants(kinds, []).map(({ name }) => name),
      ['robustmq', 'mosquitto'],
    );
  });

  it('are a broker with each collector, where it exports', () => {
    assert.deepEqual(
      contestants(kinds, [collector(undefined), collector('dead')]).map(({ name }) => name),
      ['robustmq', 'robustmq (collector dead)', 'mosquitto'],
    );
  });
});
