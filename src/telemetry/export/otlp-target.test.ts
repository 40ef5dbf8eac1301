import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OtlpTargetError, otlpTarget } from './otlp-target.ts';

function target(endpoint: string, environment: Record<string, string> = {}) {
  const { protocol, url } = otlpTarget(endpoint, environment);
  return [protocol, url];
}

describe('the configured endpoint', () => {
  it('says the protocol by its scheme', () => {
    assert.deepEqual(target('grpc://127.0.0.1:4317'), ['grpc', 'http://127.0.0.1:4317']);
    assert.deepEqual(target('grpcs://collector:443'), ['grpc', 'https://collector:443']);
    assert.deepEqual(target('http://collector:4318'), ['http/protobuf', 'http://collector:4318/v1/traces']);
    assert.deepEqual(target('https://collector/'), ['http/protobuf', 'https://collector/v1/traces']);
  });

  it('keeps a path it comes with, and is gRPC on port 4317', () => {
    assert.deepEqual(target('https://tenant.example/otlp/traces'), [
      'http/protobuf',
      'https://tenant.example/otlp/traces',
    ]);
    assert.deepEqual(target('http://collector:4317'), ['grpc', 'http://collector:4317']);
  });

  it('is refused, with what is allowed, when it is none', () => {
    for (const endpoint of ['', 'collector:4317', 'ftp://collector', 'grpc://'])
      assert.throws(
        () => otlpTarget(endpoint, {}),
        (error) =>
          error instanceof OtlpTargetError && error.code === 'bad_endpoint' && /grpc:\/\/host:4317/.test(error.message),
      );
  });
});

describe('OTEL_EXPORTER_OTLP_*', () => {
  it('ENDPOINT wins and is left to the OpenTelemetry packages to read', () => {
    assert.deepEqual(target('grpc://127.0.0.1:4317', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }), [
      'http/protobuf',
      undefined,
    ]);
    assert.deepEqual(
      target('grpc://127.0.0.1:4317', {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4317',
      }),
      ['grpc', undefined],
    );
  });

  it('PROTOCOL wins over what the endpoint suggests, the one for traces over the general one', () => {
    assert.deepEqual(target('http://collector:4000', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), [
      'grpc',
      'http://collector:4000',
    ]);
    assert.deepEqual(
      target('http://collector:4317', {
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
      }),
      ['http/protobuf', 'http://collector:4317/v1/traces'],
    );
  });
});

describe('metrics and logs', () => {
  it('go beside the traces', () => {
    assert.equal(otlpTarget('http://collector:4318', {}, 'metrics').url, 'http://collector:4318/v1/metrics');
    assert.equal(otlpTarget('https://a.example/otlp/v1/traces', {}, 'logs').url, 'https://a.example/otlp/v1/logs');
    assert.equal(otlpTarget('grpc://collector:4317', {}, 'logs').url, 'http://collector:4317');
  });

  it('need an endpoint of their own where that of the traces does not show theirs', () => {
    assert.throws(
      () => otlpTarget('https://tenant.example/traces', {}, 'metrics'),
      /OTEL_EXPORTER_OTLP_METRICS_ENDPOINT/,
    );
    const environment = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics:4317' };
    assert.equal(otlpTarget('https://tenant.example/traces', environment, 'metrics').protocol, 'grpc');
  });
});
