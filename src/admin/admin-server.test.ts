import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { TraceDocument } from '../telemetry/trace-document.ts';
import { type PublishedTrace, recordPublish, startTestAdmin, type TestAdmin } from './testing/test-admin.ts';

let admin: TestAdmin;
before(async () => {
  admin = await startTestAdmin();
});
after(() => admin.close());

async function get(path: string) {
  const response = await fetch(`${admin.url}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

async function getProblem(path: string) {
  const { status, type, body } = await get(path);
  assert.match(type ?? '', /^application\/problem\+json/);
  const problem = JSON.parse(body);
  assert.equal(problem.status, status);
  return problem;
}

describe('health', () => {
  it('is alive as long as it answers', async () => {
    assert.deepEqual(JSON.parse((await get('/healthz')).body), { status: 'ok' });
  });

  it('is ready when the program says so, and says why when it is not', async () => {
    assert.equal((await get('/readyz')).status, 200);
    admin.readiness = { type: 'not_ready', reasons: ['the broker is draining'] };
    const { status, body } = await get('/readyz');
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body), { status: 'not_ready', reasons: ['the broker is draining'] });
    admin.readiness = { type: 'ready' };
  });
});

describe('metrics', () => {
  it('are Prometheus text', async () => {
    const { type, body } = await get('/metrics');
    assert.match(type ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(body, /^robustmq_requests_total\{operation="publish"\} 0$/m);
  });

  it('are OpenMetrics for who asks for it', async () => {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    const response = await fetch(`${admin.url}/metrics`, { headers: { accept } });
    assert.equal(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.equal(response.headers.get('vary'), 'accept');
    assert.match(await response.text(), /^# TYPE robustmq_requests counter$[\s\S]*\n# EOF\n$/m);
  });
});

describe('a trace', () => {
  it('is found by its id', async () => {
    const traceId = recordPublish(admin.telemetry, { failed: true });
    const trace: TraceDocument = JSON.parse((await get(`/api/v1/traces/${traceId}`)).body);
    assert.equal(trace.rootName, 'mqtt/publish');
    assert.equal(trace.startedAt, 1_700_000_000_000);
    assert.equal(trace.durationMs, 2);
    assert.equal(trace.error, true);
    const [publish, persist] = trace.spans;
    assert.equal(publish?.service, 'robustmq-broker');
    assert.partialDeepStrictEqual(publish.attributes, { 'mqtt.client_id': 'meter', 'mqtt.topic': 'sensor/1' });
    assert.equal(persist?.parentSpanId, publish.spanId);
    assert.deepEqual(persist.status, { code: 'error', message: 'The disk is full.' });
    assert.equal(persist.events[0]?.attributes['exception.message'], 'ENOSPC');
  });

  it('that is not kept is 404, an id that is none 400', async () => {
    assert.equal((await getProblem(`/api/v1/traces/${'0'.repeat(32)}`)).status, 404);
    assert.match((await getProblem('/api/v1/traces/abc')).detail, /32 lower-case hex digits/);
  });
});

describe('the newest traces', () => {
  const kinds: Record<string, PublishedTrace> = {
    slow: { durationMs: 5000 },
    failed: { failed: true },
    other: { clientId: 'thermostat', topic: 'home/kitchen/temperature' },
    old: { startedAt: 1_000_000 },
  };
  const idOf: Record<string, string> = {};
  let own: TestAdmin;
  before(async () => {
    own = await startTestAdmin();
    for (const [name, trace] of Object.entries(kinds)) idOf[name] = recordPublish(own.telemetry, trace);
  });
  after(() => own.close());

  const queries: Record<string, readonly string[]> = {
    '': ['old', 'other', 'failed', 'slow'],
    'limit=2': ['old', 'other'],
    'clientId=thermostat': ['other'],
    'topic=home/%2B/temperature': ['other'],
    'topic=home/%23': ['other'],
    'topic=sensor/%2B&limit=1': ['old'],
    'minDurationMs=1000': ['slow'],
    'error=true': ['failed'],
    'error=false&limit=1': ['old'],
    'since=1600000000000': ['other', 'failed', 'slow'],
    'since=2020-01-01T00:00:00Z&error=true': ['failed'],
    'clientId=nobody': [],
  };
  for (const [query, expected] of Object.entries(queries)) {
    it(`with "${query}" are ${expected.join(', ') || 'none'}`, async () => {
      const response = await fetch(`${own.url}/api/v1/traces?${query}`);
      const { traces } = (await response.json()) as { traces: TraceDocument[] };
      assert.deepEqual(
        traces.map((trace) => trace.traceId),
        expected.map((name) => idOf[name]),
      );
    });
  }

  for (const [query, detail] of Object.entries({
    'limit=0': /^limit: at least 1$/,
    'limit=1001': /^limit: at most 1000$/,
    'clientId=': /^clientId: must not be empty$/,
    'limit=many': /^limit: /,
    'topic=a%23': /^topic: expected an MQTT topic filter/,
    'since=yesterday': /^since: expected Unix milliseconds or an ISO 8601 time/,
    'error=perhaps': /^error: /,
    'colour=red': /^unknown query parameter: colour/,
  })) {
    it(`with "${query}" are refused with a sentence`, async () => {
      const problem = await getProblem(`/api/v1/traces?${query}`);
      assert.equal(problem.status, 400);
      assert.match(problem.detail, detail);
    });
  }
});

describe('the stream', () => {
  async function open(path: string) {
    const response = await fetch(`${admin.url}${path}`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, ': traces\n\n');
    return { response, reader };
  }

  it('sends each trace once it is quiet, as a server-sent event', async () => {
    const { response, reader } = await open('/api/v1/traces/stream?error=true');
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    recordPublish(admin.telemetry);
    const traceId = recordPublish(admin.telemetry, { failed: true });
    const { value } = await reader.read();
    const [, data] = /^event: trace\ndata: (.*)\n\n$/.exec(value!)!;
    const trace: TraceDocument = JSON.parse(data!);
    assert.equal(trace.traceId, traceId);
    assert.equal(trace.spans.length, 2);
    await reader.cancel();
  });

  it('refuses what it does not understand, and too many at a time', async () => {
    assert.equal((await getProblem('/api/v1/traces/stream?limit=3')).status, 400);
    const own = await startTestAdmin();
    const streams = await Promise.all(Array.from({ length: 16 }, () => fetch(`${own.url}/api/v1/traces/stream`)));
    assert.ok(streams.every((stream) => stream.ok));
    assert.equal((await fetch(`${own.url}/api/v1/traces/stream`)).status, 503);
    await own.close();
    for (const stream of streams) await stream.text();
  });
});

describe('errors', () => {
  it('are problem documents that say nothing of the inside', async () => {
    assert.equal((await getProblem('/nothing/here')).status, 404);
    await using own = await startTestAdmin();
    own.exposition.answer = () => {
      throw new Error('secret of the inside');
    };
    const response = await fetch(`${own.url}/metrics`);
    assert.equal(response.status, 500);
    assert.ok(!(await response.text()).includes('secret'));
    assert.equal(own.telemetry.logLines.at(-1)?.event, 'admin.request_failed');
  });
});

describe('close', () => {
  it('ends streams and idle connections, and releases the port', async () => {
    const own = await startTestAdmin();
    const stream = await fetch(`${own.url}/api/v1/traces/stream`);
    // A connection that has asked nothing yet.
    const idle = connect(own.server.port, '127.0.0.1');
    await once(idle, 'connect');
    const idleEnded = once(idle.resume(), 'close');
    await own.close();
    assert.match(await stream.text(), /^: traces/);
    await idleEnded;
    await assert.rejects(fetch(`${own.url}/healthz`));
  });
});
