import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeExportRequest, type ReceivedSpan } from '../../src/telemetry/testing/otlp-decoder.ts';
import { OtlpReceiver } from '../../src/telemetry/testing/otlp-receiver.ts';
import { type Encoding, OwnPipeline } from './own-pipeline.ts';
import { grpcSender, httpSender } from './request-sender.ts';
import { SdkPipeline } from './sdk-pipeline.ts';
import { DEFAULT_QUEUE_SPANS } from './span-pipeline.ts';

const SPANS = 28;

async function encoded(encoding: Encoding): Promise<ReceivedSpan[]> {
  const spans: ReceivedSpan[] = [];
  const send = async (bytes: Uint8Array) => void spans.push(...decodeExportRequest(bytes));
  const pipeline = new OwnPipeline(encoding, { send, close: () => Promise.resolve() }, SPANS);
  assert.equal(await pipeline.run(), SPANS);
  return spans;
}

/** What does not depend on when it was, and on whose ids. */
function shapesOf(spans: readonly ReceivedSpan[]): unknown[] {
  const nameOf = new Map(spans.map(({ spanId, traceId, name }) => [traceId + spanId, name]));
  return spans
    .map(({ name, kind, attributes, traceId, parentSpanId, startedAt, endedAt }) => ({
      name,
      kind,
      attributes: Object.fromEntries(Object.entries(attributes).toSorted()),
      parent: nameOf.get(traceId + parentSpanId),
      durationUs: Math.round((endedAt - startedAt) * 1000),
    }))
    .map((shape) => JSON.stringify(shape))
    .toSorted();
}

describe('the pipelines of the bench', () => {
  it('send the same spans, by whatever way', async () => {
    await using receiver = await OtlpReceiver.start();
    const http = `http://127.0.0.1:${receiver.httpPort}/v1/traces`;
    const grpc = `http://127.0.0.1:${receiver.grpcPort}`;
    const visited = shapesOf(await encoded('visitor'));
    assert.deepEqual(shapesOf(await encoded('template')), visited);
    for (const sender of [httpSender(http), grpcSender(grpc)]) {
      const pipeline = new OwnPipeline('template', sender, SPANS);
      await pipeline.run();
      await pipeline.close();
      assert.deepEqual(shapesOf(receiver.spans.splice(0)), visited);
    }
    for (const transport of ['http', 'grpc'] as const) {
      const pipeline = new SdkPipeline(transport, transport === 'http' ? http : grpc, DEFAULT_QUEUE_SPANS);
      await pipeline.run();
      await pipeline.close();
      assert.deepEqual(shapesOf(receiver.spans.splice(0).slice(0, SPANS)), visited);
    }
  });
});
