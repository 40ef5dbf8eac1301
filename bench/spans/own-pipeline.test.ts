import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReceivedSpan } from '../../src/telemetry/testing/otlp-decoder.ts';
import { OtlpReceiver } from '../../src/telemetry/testing/otlp-receiver.ts';
import { BATCH_MESSAGES, LOAD_KINDS } from './message-load.ts';
import { OwnPipeline } from './own-pipeline.ts';
import { recordedBatch } from './recorded-traces.ts';
import { SdkPipeline } from './sdk-pipeline.ts';

/** More spans than the SDK's queue holds by default. */
const WHOLE_BATCHES = 3;

/** What does not depend on when it was, nor on whose ids and numbers: how many spans there are of each shape. */
function shapesOf(spans: readonly ReceivedSpan[], share: number): Record<string, number> {
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const shapes: Record<string, number> = {};
  for (const { name, kind, attributes, parentSpanId, links } of spans) {
    const keys = Object.keys(attributes).toSorted();
    const shape = JSON.stringify([name, kind, nameOf.get(parentSpanId), links.length, keys]);
    shapes[shape] = (shapes[shape] ?? 0) + share;
  }
  for (const [shape, count] of Object.entries(shapes)) shapes[shape] = Math.round(count * 1e6) / 1e6;
  return Object.fromEntries(Object.entries(shapes).toSorted());
}

describe('the pipelines of the bench', () => {
  for (const kind of LOAD_KINDS)
    for (const transport of ['http', 'grpc'] as const)
      it(`send the same spans of "${kind}" over ${transport}`, async () => {
        await using receiver = await OtlpReceiver.start();
        const url = `http://127.0.0.1:${transport === 'http' ? receiver.httpPort : receiver.grpcPort}`;
        const own = new OwnPipeline(kind, transport, url);
        const spans = await own.run();
        await own.close();
        const ownSpans = receiver.spans.splice(0);
        assert.equal(ownSpans.length, spans);
        const batch = recordedBatch(kind).length;
        assert.ok(batch / BATCH_MESSAGES >= 8);
        // Whole batches, since the SDK makes as many spans as its queue holds.
        const path = transport === 'http' ? '/v1/traces' : '';
        const sdk = new SdkPipeline(kind, transport, url + path, batch * WHOLE_BATCHES);
        assert.equal(await sdk.run(), batch * WHOLE_BATCHES);
        await sdk.close();
        const sdkSpans = receiver.spans.splice(0);
        assert.deepEqual(shapesOf(ownSpans, 1 / spans), shapesOf(sdkSpans, 1 / sdkSpans.length));
      });
});
