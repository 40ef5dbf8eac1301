import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OtlpOptions, OtlpSettingsError, otlpSettings } from './otlp-settings.ts';

const OPTIONS: OtlpOptions = {
  endpoint: 'http://collector:4318',
  headers: { 'X-Tenant': 'blue', authorization: 'Bearer configured' },
  compression: 'none',
  timeoutMs: 10_000,
  tls: { caFile: undefined, certificateFile: undefined, keyFile: undefined },
};

describe('the settings of an OTLP exporter', () => {
  it('are the configured ones where no variable says otherwise', () => {
    const { headers, compression, timeoutMs, target, tls } = otlpSettings(OPTIONS, {});
    assert.deepEqual(headers, { 'x-tenant': 'blue', authorization: 'Bearer configured' });
    assert.deepEqual([compression, timeoutMs, target.url], ['none', 10_000, 'http://collector:4318/v1/traces']);
    assert.deepEqual(tls, { ca: undefined, certificate: undefined, key: undefined });
  });

  it('take a variable first, and the one of the signal before the one of all', () => {
    const settings = otlpSettings(OPTIONS, {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20all,x-a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'Authorization=Bearer%20traces',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2500',
    });
    assert.deepEqual(settings.headers, { 'x-tenant': 'blue', authorization: 'Bearer traces', 'x-a': '1' });
    assert.deepEqual([settings.compression, settings.timeoutMs], ['gzip', 2500]);
  });

  it('are refused with a file that cannot be read, or half a client certificate', () => {
    const refused = (tls: OtlpOptions['tls'], code: string) =>
      assert.throws(
        () => otlpSettings({ ...OPTIONS, tls }, {}),
        (error) => error instanceof OtlpSettingsError && error.code === code,
      );
    refused({ caFile: '/nonexistent/ca.crt', certificateFile: undefined, keyFile: undefined }, 'unreadable_file');
    refused({ caFile: undefined, certificateFile: '/a.crt', keyFile: undefined }, 'key_without_certificate');
    refused({ caFile: import.meta.filename, certificateFile: undefined, keyFile: undefined }, 'bad_certificate');
    refused(
      { caFile: undefined, certificateFile: import.meta.filename, keyFile: import.meta.filename },
      'bad_certificate',
    );
  });

  const wrong: readonly (readonly [variable: string, value: string, problem: RegExp])[] = [
    ['ENDPOINT', 'nowhere', /^OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" is no OTLP endpoint: expected grpc:/],
    ['PROTOCOL', 'http/json', /^OTEL_EXPORTER_OTLP_PROTOCOL = "http\/json": must be one of grpc, http\/protobuf$/],
    ['TRACES_PROTOCOL', 'x', /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL = "x": must be one of /],
    ['COMPRESSION', 'lz77', /^OTEL_EXPORTER_OTLP_COMPRESSION = "lz77": must be one of none, gzip$/],
    ['TIMEOUT', 'soon', /^OTEL_EXPORTER_OTLP_TIMEOUT = "soon": must be a whole number of milliseconds from 1 to /],
    ['TIMEOUT', '0', /^OTEL_EXPORTER_OTLP_TIMEOUT = "0": /],
    ['HEADERS', 'a=1,secret', /^OTEL_EXPORTER_OTLP_HEADERS: pair 2 is no header: expected name=value, /],
    ['HEADERS', 'a b=secret', /^OTEL_EXPORTER_OTLP_HEADERS: pair 1 /],
    ['TRACES_HEADERS', 'a=secret%0d%0a', /^OTEL_EXPORTER_OTLP_TRACES_HEADERS: pair 1 /],
    ['HEADERS', 'a=secret%', /^OTEL_EXPORTER_OTLP_HEADERS: pair 1 /],
    ['CERTIFICATE', '/nonexistent', /^OTEL_EXPORTER_OTLP_CERTIFICATE: cannot read "\/nonexistent"/],
    ['CLIENT_KEY', '/a.key', /^OTEL_EXPORTER_OTLP_CLIENT_KEY: a client certificate for the collector needs its key/],
  ];
  for (const [variable, value, problem] of wrong)
    it(`are refused by the name of the variable: ${variable}=${value}`, () => {
      assert.throws(
        () => otlpSettings(OPTIONS, { [`OTEL_EXPORTER_OTLP_${variable}`]: value }),
        (error) => error instanceof Error && problem.test(error.message) && !error.message.includes('secret'),
      );
    });

  it('are as if a variable were not there that is empty', () => {
    const { headers, compression } = otlpSettings(OPTIONS, {
      OTEL_EXPORTER_OTLP_HEADERS: ' , ',
      OTEL_EXPORTER_OTLP_COMPRESSION: ' ',
    });
    assert.deepEqual([Object.keys(headers), compression], [['x-tenant', 'authorization'], 'none']);
  });
});
