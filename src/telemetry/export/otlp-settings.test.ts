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

  it('go by the configuration where a variable says nothing that can be meant', () => {
    const settings = otlpSettings(OPTIONS, {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'lz77',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
    });
    assert.deepEqual([settings.compression, settings.timeoutMs], ['none', 10_000]);
  });

  it('are refused with a file that cannot be read, or half a client certificate', () => {
    const refused = (tls: OtlpOptions['tls'], code: string) =>
      assert.throws(
        () => otlpSettings({ ...OPTIONS, tls }, {}),
        (error) => error instanceof OtlpSettingsError && error.code === code,
      );
    refused({ caFile: '/nonexistent/ca.crt', certificateFile: undefined, keyFile: undefined }, 'unreadable_file');
    refused({ caFile: undefined, certificateFile: '/a.crt', keyFile: undefined }, 'key_without_certificate');
  });
});
