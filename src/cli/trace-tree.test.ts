import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpanDocument, TraceDocument } from '../telemetry/trace-document.ts';
import { renderTrace } from './trace-tree.ts';
import { commonPrefix, formatDuration } from './trace-words.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function span(
  spanId: string,
  parentSpanId: string | null,
  name: string,
  more: Partial<SpanDocument> = {},
): SpanDocument {
  return {
    spanId,
    parentSpanId,
    name,
    kind: 'internal',
    service: 'robustmq-broker',
    startedAt: START,
    durationMs: 0.25,
    status: { code: 'unset' },
    attributes: {},
    events: [],
    links: [],
    ...more,
  };
}

function trace(spans: readonly SpanDocument[], more: Partial<TraceDocument> = {}): TraceDocument {
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    startedAt: START,
    durationMs: 12.5,
    rootName: spans[0]?.name ?? '',
    error: false,
    spans,
    ...more,
  };
}

const draw = (document: TraceDocument, width?: number) => renderTrace(document, { isColoured: false, width });

describe('a trace as a tree', () => {
  it('has a heading and a line for each span, aligned, with start, duration, service and attributes', () => {
    const drawn = draw(
      trace([
        span('1', null, 'mqtt/publish', { durationMs: 12.5, attributes: { 'mqtt.topic': 'a/b', 'mqtt.qos': 1 } }),
        span('2', '1', 'topic/authorize', { attributes: { 'mqtt.topic': 'a/b', 'robustmq.auth.rule': 'default' } }),
        span('3', '1', 'storage/persist', { startedAt: START + 0.5, durationMs: 11 }),
        span('4', '3', 'journal/write', { startedAt: START + 1, service: 'robustmq-journal' }),
        span('5', '1', 'client/push', { startedAt: START + 12 }),
      ]),
    );
    assert.equal(
      drawn,
      [
        'trace 4bf92f3577b34da6a3ce929d0e0e4736  2026-01-02T03:04:05.678Z  12.5 ms  5 spans  robustmq-{broker,journal}',
        'mqtt/publish         +0.000 ms   12.5 ms  broker   topic=a/b qos=1',
        '├─ topic/authorize   +0.000 ms  0.250 ms  broker   auth.rule=default',
        '├─ storage/persist   +0.500 ms   11.0 ms  broker',
        '│  └─ journal/write  +1.000 ms  0.250 ms  journal',
        '└─ client/push        +12.0 ms  0.250 ms  broker',
        '',
      ].join('\n'),
    );
  });

  it('goes on below where the terminal ends, the branches going through', () => {
    const attributes = { 'mqtt.client_id': 'meter-7', 'mqtt.topic': 'sensor/temperature', 'mqtt.qos': 1 };
    const drawn = draw(
      trace([
        span('1', null, 'mqtt/publish', { attributes }),
        span('2', '1', 'client/push', { attributes: { ...attributes, 'mqtt.client_id': 'x'.repeat(60) } }),
      ]),
      80,
    );
    assert.deepEqual(drawn.split('\n').slice(1), [
      'mqtt/publish    +0.000 ms  0.250 ms  broker  client_id=meter-7',
      '│                                            topic=sensor/temperature qos=1',
      `└─ client/push  +0.000 ms  0.250 ms  broker  client_id=${'x'.repeat(60)}`,
      '',
    ]);
    assert.match(draw(trace([span('1', null, 'mqtt/publish', { attributes })]), 60), /client_id=.* topic=.* qos=1\n$/);
  });

  it('leaves out links that stay in the trace, and digits nobody needs', () => {
    const document = trace([
      span('1', null, 'journal/commit', { attributes: { 'performance.latency_ms': 4.966_308 } }),
    ]);
    const { traceId } = document;
    const linked = { ...document, spans: document.spans.map((one) => ({ ...one, links: [{ traceId, spanId: '1' }] })) };
    assert.match(draw(linked), /latency_ms=4\.966\n$/);
  });

  it('leaves out what OpenTelemetry’s names say a second time', () => {
    const attributes = {
      'mqtt.protocol_version': '5.0',
      'network.protocol.version': '5.0',
      'network.transport': 'tcp',
    };
    assert.match(draw(trace([span('1', null, 'mqtt/connect', { attributes })])), /broker {2}protocol_version=5\.0\n$/);
  });

  it('marks what failed, with the exception and the links below', () => {
    const failed = span('2', '1', 'storage/persist', {
      status: { code: 'error', message: 'The disk is full.' },
      attributes: { 'error.type': 'no_space', 'error.message': 'The disk is full.' },
      events: [
        { name: 'exception', at: START, attributes: { 'exception.type': 'Error', 'exception.message': 'ENOSPC' } },
      ],
      links: Array.from({ length: 5 }, (_, index) => ({ traceId: `${index}`.repeat(32), spanId: '1' })),
    });
    const drawn = draw(trace([span('1', null, 'mqtt/publish'), failed], { error: true }));
    assert.match(drawn, /2 spans {2}robustmq-broker {2}✗ failed\n/);
    assert.match(drawn, /└─ storage\/persist ✗ .*error\.type=no_space error\.message="The disk is full\."\n/);
    assert.match(drawn, /\n {6}! exception: Error: ENOSPC\n {6}↪ links to trace 0{32}\n/);
    assert.match(drawn, /\n {6}↪ and 2 more links\n$/);
  });

  it('shows spans whose parent is elsewhere at the left', () => {
    const drawn = draw(trace([span('1', 'remote', 'mqtt/publish'), span('2', 'gone', 'client/push')]));
    assert.match(drawn, /2 spans {2}robustmq-broker\nmqtt\/publish .*\nclient\/push .*\n$/);
  });

  it('lets no control character that a client chose reach the terminal', () => {
    const drawn = draw(
      trace([
        span('1', null, 'mqtt/publish', {
          attributes: { 'mqtt.client_id': 'x\u001b[2J\u009b\n\u202e', 'mqtt.topics': ['a\u0007'] },
        }),
      ]),
    );
    assert.match(drawn, / client_id="?x\\u\{1b\}\[2J\\u\{9b\}\\u\{a\}\\u\{202e\}"? topics=\[a\\u\{7\}\]\n$/);
  });

  it('is coloured only when told to be', () => {
    const document = trace([span('1', null, 'mqtt/publish')]);
    assert.ok(!draw(document).includes('\u001b'));
    assert.ok(renderTrace(document, { isColoured: true, width: undefined }).includes('\u001b[1m'));
  });
});

describe('a duration', () => {
  it('has the digits that matter', () => {
    assert.deepEqual([0, 0.0421, 9.9994, 12.34, 999.9, 1250, 61_000].map(formatDuration), [
      '0.000 ms',
      '0.042 ms',
      '9.999 ms',
      '12.3 ms',
      '999.9 ms',
      '1.25 s',
      '61.00 s',
    ]);
  });
});

describe('a common prefix', () => {
  it('ends with the separator', () => {
    assert.equal(commonPrefix(['a-b-broker', 'a-b-bridge'], '-'), 'a-b-');
    assert.equal(commonPrefix(['a-broker'], '-'), 'a-');
    assert.equal(commonPrefix(['broker', 'bridge'], '-'), '');
    assert.equal(commonPrefix(['a-b', 'a-b-c'], '-'), 'a-');
    assert.equal(commonPrefix([], '-'), '');
  });
});
