import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourcesFrom } from '../resources.ts';
import { OtlpReceiver } from '../testing/otlp-receiver.ts';
import { createSender, type SenderOptions } from './create-sender.ts';

const HOUR_MS = 3_600_000;
const OPTIONS: SenderOptions = {
  type: 'otlp',
  endpoint: 'grpc://127.0.0.1:4317',
  timeoutMs: HOUR_MS,
  serviceVersion: '0.1.0',
};
const RESOURCES = resourcesFrom(
  { serviceName: 'robustmq', serviceVersion: '0.1.0', serviceInstanceId: 'a', deploymentEnvironment: 'test' },
  {},
);

describe('where spans are sent', () => {
  it('is nowhere, the console or an OTLP endpoint, as configured', async () => {
    assert.equal(createSender({ ...OPTIONS, type: 'none' }, RESOURCES, {}), undefined);
    assert.equal(createSender({ ...OPTIONS, type: 'console' }, RESOURCES, {})?.destination, 'console');
    const otlp = createSender(OPTIONS, RESOURCES, {});
    assert.equal(otlp?.destination, 'grpc://127.0.0.1:4317 (grpc)');
    await otlp.close();
  });

  for (const variable of ['OTEL_EXPORTER_OTLP_TIMEOUT', 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'])
    it(`${variable} says how long an answer is waited for`, async () => {
      const receiver = await OtlpReceiver.start();
      receiver.behave('hang');
      const endpoint = `http://127.0.0.1:${receiver.httpPort}`;
      const sender = createSender({ ...OPTIONS, endpoint }, RESOURCES, { [variable]: '20' })!;
      assert.deepEqual(await sender.send([]), {
        type: 'failed',
        reason: 'export_timeout',
        message: 'no answer within 20 ms',
      });
      await receiver.close();
      await sender.close();
    });
});
