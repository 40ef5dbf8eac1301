import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, Metrics } from '../../telemetry/metrics.ts';
import { type SystemState, SystemStatistics } from './system-statistics.ts';

const START = 1_700_000_000_000;

function open() {
  const metrics = new Metrics();
  const state = {
    version: '1.2.3',
    connectedClients: 0,
    peakConnectedClients: 0,
    sessions: 0,
    subscriptions: 0,
    sharedSubscriptions: 0,
    retainedMessages: 0,
    inflightMessages: 0,
    storedMessages: 0,
    storedBytes: 0,
    heapBytes: 0,
  };
  const statistics = new SystemStatistics(metrics, (): SystemState => state, START);
  return { metrics, state, statistics };
}

describe('the figures of system topics', () => {
  it('are what the broker has now', () => {
    const { statistics, state } = open();
    Object.assign(state, { connectedClients: 3, peakConnectedClients: 7, sessions: 5, sharedSubscriptions: 2 });
    const said = statistics.read(START + 90_500);
    const names = ['connected', 'active', 'disconnected', 'inactive', 'total', 'maximum'];
    assert.deepEqual(
      names.map((name) => said.get(`clients/${name}`)),
      ['3', '3', '2', '2', '5', '7'],
    );
    assert.equal(said.get('shared_subscriptions/count'), '2');
    assert.equal(said.get('uptime'), '90 seconds');
    assert.equal(said.get('version'), 'robustmq version 1.2.3');
  });

  it('remember the most memory there was', () => {
    const { statistics, state } = open();
    state.heapBytes = 500;
    statistics.read(START);
    state.heapBytes = 300;
    const said = statistics.read(START + 1);
    assert.deepEqual([said.get('heap/current size'), said.get('heap/maximum size')], ['300', '500']);
  });

  it('count packets of all types: each request and its answer, each message and its acknowledgement', () => {
    const { statistics, metrics } = open();
    for (const operation of ['connect', 'subscribe', 'pingreq', 'puback', 'pubrec', 'pubcomp', 'disconnect'] as const)
      metrics.add(counterId(METRICS.requestsTotal, operation));
    for (const qos of ['0', '1', '2'] as const) {
      metrics.add(counterId(METRICS.requestsTotal, 'publish'));
      metrics.add(counterId(METRICS.messagesReceivedTotal, qos));
      metrics.add(counterId(METRICS.messagesDeliveredTotal, qos));
    }
    const said = statistics.read(START);
    assert.equal(said.get('messages/received'), '10');
    // CONNACK, SUBACK, PINGRESP, PUBREL; PUBACK and PUBREC; three PUBLISH.
    assert.equal(said.get('messages/sent'), '9');
    assert.deepEqual([said.get('publish/messages/received'), said.get('publish/messages/sent')], ['3', '3']);
  });

  it('count as dropped what a limit cost, and not what nobody asked for', () => {
    const { statistics, metrics } = open();
    for (const reason of ['queue_full', 'retention', 'no_subscriber', 'not_authorized', 'expired'] as const)
      metrics.add(counterId(METRICS.messagesDroppedTotal, reason));
    assert.equal(statistics.read(START).get('publish/messages/dropped'), '2');
  });

  it('say how fast the totals grow, with two decimals', () => {
    const { statistics, metrics } = open();
    metrics.add(counterId(METRICS.connectionsOpenedTotal), 60);
    const said = statistics.read(START + 60_000);
    const load = ['1min', '5min', '15min'].map((window) => said.get(`load/sockets/${window}`));
    assert.deepEqual(load, ['37.93', '10.88', '3.87']);
    assert.equal(said.get('load/connections/1min'), '0.00');
  });
});
