import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choiceOf, headersOf, OtlpVariableError, otlpVariable, timeoutMsOf } from './otlp-variables.ts';

const given = (value: string) => ({ value, source: 'telemetry.a_key' });

describe("a variable of OpenTelemetry's exporters", () => {
  it('is the one of the signal, or else that of all signals, or none', () => {
    const environment = { OTEL_EXPORTER_OTLP_TIMEOUT: ' 1 ', OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '2' };
    assert.deepEqual(otlpVariable(environment, 'logs', 'TIMEOUT'), {
      value: '2',
      source: 'OTEL_EXPORTER_OTLP_LOGS_TIMEOUT',
    });
    assert.deepEqual(otlpVariable(environment, 'traces', 'TIMEOUT'), {
      value: '1',
      source: 'OTEL_EXPORTER_OTLP_TIMEOUT',
    });
    assert.equal(otlpVariable({ OTEL_EXPORTER_OTLP_TIMEOUT: ' ' }, 'traces', 'TIMEOUT'), undefined);
  });

  it('is read as what it has to be', () => {
    assert.equal(choiceOf(given('b'), ['a', 'b']), 'b');
    assert.equal(timeoutMsOf(given('2500')), 2500);
    assert.deepEqual(headersOf(given(' X-Key = a%20b%2Cc== ,,tenant=')), { 'x-key': 'a b,c==', tenant: '' });
  });

  it('is refused by its name, with what is allowed', () => {
    for (const read of [
      () => choiceOf(given('c'), ['a', 'b']),
      () => timeoutMsOf(given('1.5')),
      () => timeoutMsOf(given('1e12')),
    ])
      assert.throws(
        read,
        (error) => error instanceof OtlpVariableError && /telemetry\.a_key = ".+": must be /.test(error.message),
      );
  });

  it('is refused where a transport would not take the header, and the value is not told', () => {
    for (const pair of ['=secret', 'secret', 'a b=secret', 'a-bin=secret', 'a=secret\u0007', 'a=secret%c3%a4'])
      assert.throws(
        () => headersOf(given(`fine=1,${pair}`)),
        ({ message }: Error) => /^telemetry\.a_key: pair 2 is no header/.test(message) && !message.includes('secret'),
      );
  });
});
