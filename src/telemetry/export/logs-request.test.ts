import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { systemClock } from '../../base/clock.ts';
import { LOG_EVENTS } from '../catalogue.ts';
import { createLog } from '../log.ts';
import { decodeLogsRequest } from '../testing/otlp-signals.ts';
import { logsRequest } from './logs-request.ts';

const decoded = (lines: readonly string[]) =>
  decodeLogsRequest(logsRequest(lines, 5000, resourceFromAttributes({}), '0.1.0')).records;

describe('lines of the log as an OTLP request', () => {
  it('say when, how severe, what happened, and which span it belongs to', () => {
    const line = {
      level: 'warn',
      time: '2023-11-14T22:13:20.000Z',
      event: 'export.failing',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      trace_flags: '01',
      message: 'Spans cannot be exported.',
      destination: 'grpc://collector',
      attempts: 3,
      nothing: null,
    };
    const [record] = decoded([JSON.stringify(line)]);
    assert.partialDeepStrictEqual(record, {
      timeUnixNano: 1_700_000_000_000_000_000,
      observedTimeUnixNano: 5_000_000_000,
      severityNumber: 13,
      severityText: 'warn',
      body: { stringValue: 'Spans cannot be exported.' },
      eventName: 'export.failing',
      traceId: [...Buffer.from(line.trace_id, 'hex')],
      spanId: [...Buffer.from(line.span_id, 'hex')],
      attributes: { destination: 'grpc://collector', attempts: 3 },
    });
    assert.equal(record!.flags, 1);
    assert.deepEqual(Object.keys(record!.attributes), ['destination', 'attempts']);
  });

  it('are read as our own log writes them, errors by the conventions for exceptions', () => {
    const lines: string[] = [];
    const log = createLog({ level: 'info', format: 'json' }, systemClock, {
      write: (line: string) => lines.push(line),
    });
    log.write(LOG_EVENTS.journalAppendFailed, { error: new TypeError('no room') });
    const [record] = decoded(lines);
    assert.equal(record!.severityNumber, 17);
    assert.equal(record!.eventName, 'journal.append_failed');
    assert.equal(record!.attributes['exception.message'], 'no room');
    assert.equal(record!.attributes['exception.type'], 'TypeError');
    assert.match(String(record!.attributes['exception.stacktrace']), /no room/);
  });

  it('have the numbers of the logs data model', () => {
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
    const records = decoded(levels.map((level) => JSON.stringify({ level })));
    assert.deepEqual(
      records.map(({ severityNumber }) => severityNumber),
      [1, 5, 9, 13, 17, 21],
    );
  });

  it('keep a line that is no JSON as text, of the time it was seen', () => {
    const [record] = decoded(['not JSON\n']);
    assert.partialDeepStrictEqual(record, { body: { stringValue: 'not JSON' }, timeUnixNano: 5_000_000_000 });
  });
});
