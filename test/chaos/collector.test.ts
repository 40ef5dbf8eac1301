import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReceivedSpan } from '../../src/telemetry/testing/otlp-decoder.ts';
import { OtlpReceiver, type ReceiverBehaviour } from '../../src/telemetry/testing/otlp-receiver.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { metric, until } from './support/metric.ts';
import { Restartable } from './support/restartable.ts';

const MESSAGES = 50;

/** Every message is answered and delivered, whatever becomes of its trace. */
async function exchange(client: RawClient, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    assert((await client.publish('traced', String(index), { qos: 1 })) < 0x80);
    assert.equal(payloadOf(await client.receive()), String(index));
  }
}

const isPublish = ({ name }: ReceivedSpan): boolean => name === 'mqtt/publish';

describe('a collector that does not do its part', { concurrency: 4 }, () => {
  for (const protocol of ['grpc', 'http'] as const)
    for (const behaviour of ['reject', 'hang', 'reset', 'gone'] as const satisfies (ReceiverBehaviour | 'gone')[])
      test(`over ${protocol}: ${behaviour}: messages go on, one warning, and all of it arrives when it is back`, async (t) => {
        let collector = await OtlpReceiver.start();
        t.after(() => collector.close());
        const ports = { httpPort: collector.httpPort, grpcPort: collector.grpcPort };
        const port = protocol === 'grpc' ? ports.grpcPort : ports.httpPort;
        const settings = {
          'telemetry.exporter_type': 'otlp',
          'telemetry.exporter_endpoint': `${protocol}://127.0.0.1:${port}`,
          'log.level': 'info',
        };
        await using broker = await Restartable.start(settings, { OTEL_EXPORTER_OTLP_TIMEOUT: '1000' });
        const { adminUrl } = broker.process;
        if (behaviour === 'gone') await collector.close();
        else collector.behave(behaviour);
        await using client = await RawClient.connect({ port: broker.port });
        await client.subscribe('traced');
        await exchange(client, MESSAGES);
        await until('the warning', () => broker.process.errors.includes('export.failing'));
        await exchange(client, MESSAGES);

        if (behaviour === 'gone') collector = await OtlpReceiver.start(ports);
        else collector.behave('accept');
        // A request that nobody answered is made again, and may then arrive twice.
        const published = () => new Set(collector.spans.filter(isPublish).map(({ spanId }) => spanId));
        await until('every message arrives', () => published().size === 2 * MESSAGES);
        assert.equal(await metric(adminUrl, 'robustmq_spans_dropped_total'), 0);
        assert.equal(broker.process.errors.split('"export.failing"').length - 1, 1, broker.process.errors);
      });
});
