import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFor } from './exposition-format.ts';

describe('the format of the metrics', () => {
  it('is OpenMetrics for the scrapers that ask for it', () => {
    for (const accept of [
      // Prometheus 2 and 3, and the OpenTelemetry Collector, which is a Prometheus inside.
      [
        'application/openmetrics-text;version=1.0.0',
        'application/openmetrics-text;version=0.0.1;q=0.75',
        'text/plain;version=0.0.4;q=0.5',
        '*/*;q=0.1',
      ].join(),
      [
        'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6',
        'application/openmetrics-text;version=0.0.1;q=0.5',
        'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4',
        'text/plain;version=0.0.4;q=0.3',
        '*/*;q=0.2',
      ].join(),
      'application/openmetrics-text',
      'Application/OpenMetrics-Text; Version=1.0.0',
      'application/openmetrics-text, text/plain',
    ])
      assert.equal(formatFor(accept), 'openmetrics', accept);
  });

  it('is Prometheus text for everybody else', () => {
    for (const accept of [
      undefined,
      '',
      '*/*',
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'text/plain',
      'application/openmetrics-text;q=0.2, text/plain;q=0.3',
      'application/openmetrics-text;q=0',
      'application/openmetrics-text;q=many',
      'application/openmetrics-text;version=2.0.0, text/plain;q=0.1',
      'application/*',
      ',;,=;q',
    ])
      assert.equal(formatFor(accept), 'prometheus', String(accept));
  });
});
