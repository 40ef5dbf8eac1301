import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LOG_EVENTS } from './catalogue.ts';
import { createLog, type LogOptions } from './log.ts';
import { CONTEXT_BYTES, FLAGS_AT } from './trace-context.ts';

function setUp(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const time = { now: 0 };
  const clock = { now: () => time.now };
  const log = createLog({ level: 'info', format: 'json', ...options }, clock, {
    write: (line: string) => lines.push(line),
  });
  return { log, lines, time };
}

describe('log', () => {
  it('writes a declared event as one line of JSON', () => {
    const { log, lines } = setUp();
    log.write(LOG_EVENTS.listenerOpened, { address: '127.0.0.1:1883' });
    const { time, ...line } = JSON.parse(lines[0]!);
    assert.deepEqual(line, {
      level: 'info',
      event: 'listener.opened',
      address: '127.0.0.1:1883',
      message: 'A listener takes connections.',
    });
    assert.match(time, /^\d{4}-\d\d-\d\dT/);
  });

  it('names the trace and the span of a context, and none of an empty one', () => {
    const { log, lines } = setUp();
    log.write(LOG_EVENTS.listenerOpened, {}, new Uint8Array(CONTEXT_BYTES + 2).fill(0xab), 2);
    log.write(LOG_EVENTS.listenerOpened, {}, new Uint8Array(CONTEXT_BYTES));
    log.write(LOG_EVENTS.listenerOpened, {}, new Uint8Array(CONTEXT_BYTES).fill(0xcd, 0, FLAGS_AT));
    assert.equal(JSON.parse(lines[0]!).trace_id, 'ab'.repeat(16));
    assert.equal(JSON.parse(lines[0]!).span_id, 'ab'.repeat(8));
    assert.equal(JSON.parse(lines[0]!).trace_flags, '01');
    assert.equal('trace_id' in JSON.parse(lines[1]!), false);
    assert.equal(JSON.parse(lines[2]!).trace_flags, '00');
  });

  it('leaves out what lies below its level', () => {
    const { log, lines } = setUp({ level: 'warn' });
    log.write(LOG_EVENTS.listenerOpened);
    log.write(LOG_EVENTS.journalAppendFailed);
    assert.equal(lines.length, 1);
  });

  it('is not filled by clients: what is too much is left out, and said to be', () => {
    const { log, lines, time } = setUp();
    const limit = LOG_EVENTS.connectionRefused.perSecond!;
    for (let time = 0; time < limit + 7; time += 1) log.write(LOG_EVENTS.connectionRefused);
    assert.equal(lines.length, limit);
    time.now = 1000;
    log.write(LOG_EVENTS.connectionRefused);
    assert.equal(JSON.parse(lines[limit]!).leftOut, 7);
    assert.equal('leftOut' in JSON.parse(lines[0]!), false);
  });

  it('blots out secrets, at the top and one below', () => {
    const { log, lines } = setUp();
    const error = Object.assign(new Error('refused'), { password: 'hunter2' });
    log.write(LOG_EVENTS.connectionRefused, { password: 'hunter2', token: 'hunter2', error });
    assert.ok(!lines[0]!.includes('hunter2'));
    assert.equal(JSON.parse(lines[0]!).password, '[redacted]');
  });

  it('gives an error with its cause and stack', () => {
    const { log, lines } = setUp();
    log.write(LOG_EVENTS.journalAppendFailed, { error: new Error('no port', { cause: new Error('EADDRINUSE') }) });
    assert.match(JSON.parse(lines[0]!).error.stack, /no port[\s\S]*EADDRINUSE/);
  });

  it('writes text for people where told to', () => {
    const { log, lines } = setUp({ format: 'text' });
    log.write(LOG_EVENTS.listenerOpened, { address: '127.0.0.1:1883', name: 'two words' });
    assert.match(
      lines[0]!,
      /^\S+Z INFO {2}A listener takes connections\. address=127\.0\.0\.1:1883 name="two words"\n$/,
    );
  });
});
