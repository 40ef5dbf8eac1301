import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodedBatch } from '../../src/telemetry/testing/span-batches.ts';
import type { Collector } from './collector.ts';
import { startCollectors } from './start-collectors.ts';

const SPANS = 3;

async function send({ endpoint }: Collector, limitMs = 10_000): Promise<number> {
  const spans = Array.from({ length: SPANS }, () => ({ name: 'mqtt/publish' }));
  const signal = AbortSignal.timeout(limitMs);
  const body = new Uint8Array(encodedBatch(spans).bytes);
  const { status } = await fetch(`${endpoint}/v1/traces`, { method: 'POST', body, signal });
  return status;
}

describe('collectors of the bench', () => {
  it('are a sink that counts, or somebody’s endpoint that is left alone', async () => {
    const { all, stop } = await startCollectors(['sink', 'grpc://127.0.0.1:4317']);
    const [sink, foreign] = all as [Collector, Collector];
    assert.deepEqual([await send(sink), await sink.receivedSpans()], [200, SPANS]);
    assert.deepEqual([foreign.endpoint, await foreign.receivedSpans()], ['grpc://127.0.0.1:4317', undefined]);
    stop();
  });

  it('have their fault until they are told to recover, and count then', async () => {
    const { all, stop } = await startCollectors(['dead', 'hanging', 'refusing', 'rejecting', 'resetting', 'slow']);
    const [dead, hanging, refusing, rejecting, resetting, slow] = all as Collector[];
    for (const collector of all) await collector.misbehave();
    await assert.rejects(send(dead!), ({ cause }) => (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED');
    await assert.rejects(send(hanging!, 200), { name: 'TimeoutError' });
    assert.deepEqual([await send(refusing!), await send(rejecting!)], [503, 400]);
    await assert.rejects(send(resetting!), ({ cause }) =>
      ['ECONNRESET', 'UND_ERR_SOCKET'].includes(String((cause as NodeJS.ErrnoException).code)),
    );
    await assert.rejects(send(slow!, 200), { name: 'TimeoutError' });
    assert.equal(await slow!.receivedSpans(), 0);

    for (const collector of all) await collector.recover();
    for (const collector of all) assert.equal(await send(collector), 200, collector.label);
    assert.equal(await slow!.receivedSpans(), all.length * SPANS);
    for (const collector of all) await collector.misbehave();
    await assert.rejects(send(dead!));
    stop();
  });
});
