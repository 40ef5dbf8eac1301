import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OtlpReceiver } from '../../../src/telemetry/testing/otlp-receiver.ts';
import { BrokerProcess } from '../../support/broker-process.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TestDirectory } from '../../support/test-settings.ts';

const SAMPLED = { userProperties: [['traceparent', `00-${'d'.repeat(32)}-00f067aa0ba902b7-01`] as const] };

describe("OpenTelemetry's variables", () => {
  let receiver: OtlpReceiver;
  before(async () => {
    receiver = await OtlpReceiver.start();
  });
  after(() => receiver.close());

  /** Runs a broker, publishes once from a sampled caller and once without, and stops it. */
  async function run(environment: Record<string, string>, endpoint = `grpc://127.0.0.1:${receiver.grpcPort}`) {
    await using directory = await TestDirectory.create();
    const settings = {
      'telemetry.exporter_type': 'otlp',
      'telemetry.exporter_endpoint': endpoint,
    };
    await using broker = await BrokerProcess.start({ directory, settings, environment });
    const from = receiver.spans.length;
    const client = await RawClient.connect({ port: broker.port, clientId: 'c' });
    await client.publish('own', '', { qos: 1 });
    await client.publish('callers', '', { qos: 1, properties: SAMPLED });
    await client.disconnect();
    const end = await broker.kill('SIGTERM');
    assert.deepEqual(end, { code: 0, signal: null }, broker.errors);
    const spans = receiver.spans.slice(from);
    return { spans, names: new Set(spans.map(({ name }) => name)) };
  }

  const topicsOf = ({ spans }: Awaited<ReturnType<typeof run>>) =>
    spans.filter(({ name }) => name === 'mqtt/publish').map(({ attributes }) => attributes['mqtt.topic']);

  it('absent: the configuration holds, and every span has arrived when the process has ended', async () => {
    const result = await run({});
    assert.deepEqual(topicsOf(result), ['own', 'callers']);
    for (const name of ['mqtt/connect', 'journal/commit', 'mqtt/disconnect']) assert.ok(result.names.has(name), name);
    for (const { resource } of result.spans) {
      assert.match(String(resource['service.name']), /^robustmq-(broker|placement|journal)$/);
      assert.equal(resource['service.namespace'], 'robustmq');
      assert.equal(resource['service.version'], '0.1.0');
      assert.equal(resource['deployment.environment'], 'production');
      assert.equal(resource['deployment.environment.name'], 'production');
    }
    assert.equal(new Set(result.spans.map(({ resource }) => resource['service.instance.id'])).size, 1);
  });

  it('OTEL_SDK_DISABLED: no span, and the broker works', async () => {
    assert.deepEqual((await run({ OTEL_SDK_DISABLED: 'true' })).spans, []);
  });

  it('OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES: the prefix and the rest of the resource', async () => {
    const { spans } = await run({
      OTEL_SERVICE_NAME: 'plant',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging,team=water',
    });
    const services = new Set(spans.map(({ resource }) => resource['service.name']));
    assert.deepEqual([...services].sort(), ['plant-broker', 'plant-journal', 'plant-placement']);
    for (const { resource } of spans) {
      assert.equal(resource.team, 'water');
      assert.equal(resource['deployment.environment.name'], 'staging');
    }
  });

  it('OTEL_TRACES_SAMPLER=always_off: nothing, whatever a caller says', async () => {
    assert.deepEqual((await run({ OTEL_TRACES_SAMPLER: 'always_off' })).spans, []);
  });

  it('OTEL_TRACES_SAMPLER=parentbased_traceidratio: only what a caller sampled, at ratio 0', async () => {
    const environment = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    const { spans } = await run(environment);
    assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], ['d'.repeat(32)]);
  });

  it('OTEL_EXPORTER_OTLP_ENDPOINT and _PROTOCOL: over the configured endpoint', async () => {
    const nowhere = 'grpc://127.0.0.1:1';
    for (const environment of [
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.httpPort}` },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.httpPort}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      },
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.grpcPort}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${receiver.httpPort}/v1/traces` },
    ])
      assert.deepEqual(topicsOf(await run(environment, nowhere)), ['own', 'callers'], JSON.stringify(environment));
  });

  const mistakes: Readonly<Record<string, readonly [environment: Record<string, string>, sentence: RegExp]>> = {
    'an endpoint that is none': [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' },
      /"collector:4317" is no OTLP endpoint: expected grpc:\/\/host:4317/,
    ],
    'a compression that nobody knows': [
      { OTEL_EXPORTER_OTLP_COMPRESSION: 'zip' },
      /OTEL_EXPORTER_OTLP_COMPRESSION = "zip": must be one of none, gzip/,
    ],
    'a header that no transport takes': [
      { OTEL_EXPORTER_OTLP_HEADERS: 'a b=c' },
      /OTEL_EXPORTER_OTLP_HEADERS: pair 1 is no header: expected name=value/,
    ],
    'a sampler that nobody knows': [
      { OTEL_TRACES_SAMPLER: 'xray' },
      /OTEL_TRACES_SAMPLER = "xray": must be \[parentbased_\]always_on, always_off or traceidratio/,
    ],
  };
  for (const [mistake, [environment, sentence]] of Object.entries(mistakes))
    it(`with ${mistake}: a sentence, exit code 78, no port opened`, async () => {
      await using directory = await TestDirectory.create();
      const broker = BrokerProcess.spawn({ directory, settings: { 'telemetry.exporter_type': 'otlp' }, environment });
      assert.deepEqual(await broker.exited, { code: 78, signal: null });
      assert.match(broker.errors, sentence);
      assert.equal(broker.output, '');
    });
});
