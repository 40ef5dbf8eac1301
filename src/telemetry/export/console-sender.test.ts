import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SPANS } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { ConsoleSender } from './console-sender.ts';

it('the console exporter writes each span as a line of JSON', async () => {
  const { recorder, recentTraces, serviceName } = testTelemetry();
  const spans: FinishedSpan[] = [];
  recentTraces.follow((span) => spans.push(span));
  const root = recorder.root(SPANS.mqttPublish, 1000);
  recorder.end(recorder.child(SPANS.journalWrite, root, 1001), 1001.5);
  recorder.end(root, 1002);

  const lines: string[] = [];
  const result = await new ConsoleSender(serviceName, (line) => lines.push(line)).send(spans);
  assert.deepEqual(result, { type: 'taken' });
  const [write, publish] = lines.map((line) => JSON.parse(line));
  assert.equal(write.name, 'journal/write');
  assert.equal(write.service, 'robustmq-journal');
  assert.equal(write.parentSpanId, publish.spanId);
  assert.equal(write.traceId, publish.traceId);
  assert.equal(publish.durationMs, 2);
});
