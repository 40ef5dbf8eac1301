import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TELEMETRY_METRICS } from '../../../src/telemetry/catalogue/telemetry-metrics.ts';
import { OtlpReceiver } from '../../../src/telemetry/testing/otlp-receiver.ts';
import { decodeLogsRequest, decodeMetricsRequest, sumsOf } from '../../../src/telemetry/testing/otlp-signals.ts';
import { BrokerProcess } from '../../support/broker-process.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TestBroker } from '../../support/test-broker.ts';
import { TestDirectory } from '../../support/test-settings.ts';

/** What is waited for happens behind real sockets; the runner's own limit ends a wait in vain. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(5);
}

async function counters(adminUrl: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => line.split(/ (?=\S+$)/) as [string, string]).map(([name, v]) => [name, +v]));
}

/** What changes by being asked for or sent says nothing here. */
const OWN = new Set(Object.values(TELEMETRY_METRICS).map(({ name }) => name));
const isBrokers = (sample: string): boolean => sample.startsWith('robustmq_') && !OWN.has(sample.replace(/\{.*/, ''));

const brokersCounters = async (adminUrl: string): Promise<ReadonlyMap<string, number>> =>
  new Map([...(await counters(adminUrl))].filter(([sample]) => /_total(\{|$)/.test(sample) && isBrokers(sample)));

const metricsOf = ({ metrics }: OtlpReceiver) => decodeMetricsRequest(metrics.at(-1)!);
const recordsOf = ({ logs }: OtlpReceiver) => logs.flatMap((request) => decodeLogsRequest(request).records);
const eventsOf = (receiver: OtlpReceiver) => recordsOf(receiver).map(({ eventName }) => eventName);

async function publishAll(port: number): Promise<void> {
  await using client = await RawClient.connect({ port });
  for (const qos of [0, 1, 1, 2] as const) await client.publish('sensor/1', 'abc', { qos });
  await client.expectNothing();
  await client.disconnect();
}

/** Scraped before and after `pass`, again until both show the same: what the broker still has to do counts as well. */
async function restingCounters(adminUrl: string, pass: () => Promise<void>): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const before = await brokersCounters(adminUrl);
    await pass();
    const after = await brokersCounters(adminUrl);
    if ([...before].every(([sample, value]) => after.get(sample) === value)) return after;
  }
}

/** A CONNECT that is refused, which the log tells of. */
async function refusedClient(port: number): Promise<void> {
  await using client = await RawClient.open(port);
  // Level 9 is of no version [MQTT-3.1.2-2].
  client.sendBytes(Buffer.from([0x10, 0x08, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2]));
  await client.ended();
}

describe('metrics by OTLP', () => {
  for (const enable of [true, false])
    it(`have the values of /metrics, with traces ${enable ? 'on' : 'off'}`, async () => {
      await using receiver = await OtlpReceiver.start();
      await using broker = await TestBroker.start({
        'telemetry.enable': enable,
        'telemetry.exporter_endpoint': `grpc://127.0.0.1:${receiver.grpcPort}`,
        'telemetry.metrics_exporter': 'otlp',
        'telemetry.metrics_interval_ms': 1000,
      });
      await publishAll(broker.port);
      const scraped = await restingCounters(broker.adminUrl, async () => {
        const before = receiver.metrics.length;
        // The next may have been read before the scrape, and still be on its way.
        await until(() => receiver.metrics.length >= before + 2);
      });
      const { resource, metrics } = metricsOf(receiver);
      const sent = [...sumsOf(metrics)].filter(([sample]) => isBrokers(sample));
      assert.ok(sent.length > 50);
      assert.deepEqual(
        sent,
        sent.map(([sample]) => [sample, scraped.get(sample)]),
      );
      assert.equal(new Map(sent).get('robustmq_messages_received_total{qos="1"}'), 2);
      assert.equal(resource['service.name'], 'robustmq-broker');
    });

  it('leave once more at shutdown', async () => {
    await using receiver = await OtlpReceiver.start();
    await using broker = await TestBroker.start({
      'telemetry.exporter_endpoint': `http://127.0.0.1:${receiver.httpPort}`,
      'telemetry.metrics_exporter': 'otlp',
    });
    await publishAll(broker.port);
    await broker.stop();
    assert.equal(receiver.metrics.length, 1);
    const sums = sumsOf(metricsOf(receiver).metrics);
    assert.equal(sums.get('robustmq_messages_received_total{qos="2"}'), 1);
    assert.equal(sums.get('robustmq_connections_closed_total{reason="client_disconnect"}'), 1);
  });
});

describe('the log by OTLP', () => {
  const settings = { 'log.level': 'info', 'log.format': 'json' };

  it('has every line of standard error, with the trace and the span it belongs to', async () => {
    await using receiver = await OtlpReceiver.start();
    await using directory = await TestDirectory.create();
    const environment = {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.httpPort}`,
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `http://127.0.0.1:${receiver.httpPort}/v1/logs`,
    };
    const withoutType = { ...settings, 'telemetry.exporter_type': 'otlp' };
    await using broker = await BrokerProcess.start({ directory, settings: withoutType, environment });
    await refusedClient(broker.port);
    assert.deepEqual(await broker.kill('SIGTERM'), { code: 0, signal: null }, broker.errors);
    const lines = broker.errors
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    // Written when everything has ended, the way out too.
    assert.equal(lines.pop().event, 'process.stopped');
    const records = recordsOf(receiver);
    assert.deepEqual(
      records.map(({ eventName, severityText }) => [eventName, severityText]),
      lines.map(({ event, level }) => [event, level]),
    );
    const at = lines.findIndex(({ event }) => event === 'connection.refused');
    const { traceId, spanId, severityNumber } = records[at]!;
    assert.deepEqual(Buffer.from(traceId as number[]).toString('hex'), lines[at].trace_id);
    assert.deepEqual(Buffer.from(spanId as number[]).toString('hex'), lines[at].span_id);
    assert.equal(severityNumber, 9);
    const span = receiver.spans.find((candidate) => candidate.spanId === lines[at].span_id);
    assert.equal(span?.traceId, lines[at].trace_id);
    assert.equal(decodeLogsRequest(receiver.logs[0]!).resource['service.name'], 'robustmq-broker');
  });

  it('and metrics never hold up a message; what waited arrives when the collector is back', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.behave('reject');
    await using directory = await TestDirectory.create();
    await using broker = await BrokerProcess.start({
      directory,
      settings: {
        ...settings,
        'telemetry.exporter_endpoint': `grpc://127.0.0.1:${receiver.grpcPort}`,
        'telemetry.metrics_exporter': 'otlp',
        'telemetry.metrics_interval_ms': 1000,
        'telemetry.logs_exporter': 'otlp',
      },
    });
    await publishAll(broker.port);
    const told = (signal: string, event: string) =>
      broker.errors.includes(event) &&
      broker.errors.split('\n').some((line) => line.includes(event) && line.includes(`"signal":"${signal}"`));
    await until(() => told('logs', 'export.signal_failing') && told('metrics', 'export.signal_failing'));
    await publishAll(broker.port);
    receiver.behave('accept');
    await until(() => told('logs', 'export.signal_recovered') && told('metrics', 'export.signal_recovered'));
    await until(() => eventsOf(receiver).includes('process.ready'));
    // The oldest leave first: the newest figures come last.
    const received = () => sumsOf(metricsOf(receiver).metrics).get('robustmq_messages_received_total{qos="1"}');
    await until(() => received() === 4);
    assert.equal((await counters(broker.adminUrl)).get('robustmq_log_records_dropped_total{reason="rejected"}'), 0);
    receiver.behave('reject');
    assert.deepEqual(await broker.kill('SIGTERM'), { code: 0, signal: null }, broker.errors);
  });

  it('does not tell the collector endlessly that it takes no log', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.behave('refuse');
    await using directory = await TestDirectory.create();
    await using broker = await BrokerProcess.start({
      directory,
      settings: {
        ...settings,
        'telemetry.exporter_endpoint': `grpc://127.0.0.1:${receiver.grpcPort}`,
        'telemetry.logs_exporter': 'otlp',
      },
    });
    const dropped = async () =>
      (await counters(broker.adminUrl)).get('robustmq_log_records_dropped_total{reason="rejected"}')!;
    const written = () => broker.errors.split('\n').filter((line) => line.includes('"event":'));
    const ofThemselves = () => written().filter((line) => line.includes('export.signal_rejected')).length;
    await until(async () => ofThemselves() > 0 && (await dropped()) === written().length - ofThemselves());
    receiver.behave('accept');
    await refusedClient(broker.port);
    await until(() => receiver.logs.length > 0);
    assert.ok(!eventsOf(receiver).includes('export.signal_rejected'));
  });
});

describe('what is wrong with metrics and logs', () => {
  const mistakes: Readonly<Record<string, readonly [environment: Record<string, string>, sentence: RegExp]>> = {
    'deltas asked for': [
      { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' },
      /TEMPORALITY_PREFERENCE = "delta": only cumulative is available/,
    ],
    'an endpoint of traces alone': [
      { OTEL_LOGS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'nowhere' },
      /"nowhere" is no OTLP endpoint/,
    ],
    'a certificate that is not there': [
      { OTEL_LOGS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE: '/nowhere/ca.pem' },
      /cannot read "\/nowhere\/ca.pem"/,
    ],
    'an exporter that nobody knows': [
      { OTEL_METRICS_EXPORTER: 'carbon' },
      /OTEL_METRICS_EXPORTER = "carbon": must be one of otlp, none, prometheus/,
    ],
    'an interval too short': [
      { OTEL_METRIC_EXPORT_INTERVAL: '10' },
      /telemetry.metrics_interval_ms = 10 \(OTEL_METRIC_EXPORT_INTERVAL\): must be/,
    ],
  };
  for (const [mistake, [environment, sentence]] of Object.entries(mistakes))
    it(`${mistake}: a sentence, exit code 78, no port opened`, async () => {
      await using directory = await TestDirectory.create();
      const broker = BrokerProcess.spawn({ directory, environment });
      assert.deepEqual(await broker.exited, { code: 78, signal: null });
      assert.match(broker.errors, sentence);
      assert.equal(broker.output, '');
    });
});
