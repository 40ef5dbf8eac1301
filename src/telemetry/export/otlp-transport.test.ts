import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { OtlpReceiver, type ReceiverTls } from '../testing/otlp-receiver.ts';
import { spanBatch } from '../testing/span-batches.ts';
import { type OtlpOptions, otlpSettings } from './otlp-settings.ts';
import { OtlpTransport } from './otlp-transport.ts';

const OPTIONS: OtlpOptions = {
  endpoint: '',
  headers: {},
  compression: 'none',
  timeoutMs: 60_000,
  tls: { caFile: undefined, certificateFile: undefined, keyFile: undefined },
};
const TAKEN = { type: 'taken', rejectedSpans: 0, message: '' };

/** A transport that is closed when the test has ended. */
class TestTransport extends OtlpTransport implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

for (const protocol of ['grpc', 'http'] as const)
  describe(`OTLP over ${protocol}`, () => {
    const endpointOf = (receiver: OtlpReceiver, isSecure = false) => {
      const scheme = protocol + (isSecure ? 's' : '');
      return `${scheme}://127.0.0.1:${protocol === 'grpc' ? receiver.grpcPort : receiver.httpPort}`;
    };
    const transportTo = (receiver: OtlpReceiver, options: Partial<OtlpOptions> = {}, environment = {}) =>
      new TestTransport(otlpSettings({ ...OPTIONS, endpoint: endpointOf(receiver), ...options }, environment));

    it('brings the bytes to the collector as they are, with the configured headers', async () => {
      await using receiver = await OtlpReceiver.start();
      await using transport = transportTo(receiver, { headers: { 'X-Tenant': 'blue' } });
      assert.deepEqual(await transport.send(spanBatch('a', 3)), TAKEN);
      assert.deepEqual(
        receiver.spans.map(({ name }) => name),
        ['a', 'a', 'a'],
      );
      assert.equal(receiver.headers['x-tenant'], 'blue');
    });

    it('compresses when told to', async () => {
      await using receiver = await OtlpReceiver.start();
      await using transport = transportTo(receiver, { compression: 'gzip' });
      assert.deepEqual(await transport.send(spanBatch('a', 1, 10_000)), TAKEN);
      assert.equal(receiver.spans[0]?.attributes.padding, '.'.repeat(10_000));
      assert.ok(receiver.receivedBytes < 5000, `${receiver.receivedBytes} bytes`);
    });

    it('says how many spans of a request the collector did not want', async () => {
      await using receiver = await OtlpReceiver.start();
      await using transport = transportTo(receiver);
      receiver.behave('partial');
      assert.deepEqual(await transport.send(spanBatch('a', 3)), { type: 'taken', rejectedSpans: 1, message: 'no' });
      receiver.behave('accept');
      assert.deepEqual(await transport.send(spanBatch('a', 3)), TAKEN);
    });

    it('tells what the collector will never take from what it may take later', async () => {
      await using receiver = await OtlpReceiver.start();
      await using transport = transportTo(receiver, { timeoutMs: 500 });
      receiver.behave('refuse');
      const message = protocol === 'grpc' ? 'the receiver refuses' : 'HTTP 400 Bad Request';
      assert.deepEqual(await transport.send(spanBatch('a')), { type: 'rejected', message });
      for (const behaviour of ['reject', 'hang', 'reset'] as const) {
        receiver.behave(behaviour);
        assert.equal((await transport.send(spanBatch('a'))).type, 'unavailable', behaviour);
      }
    });

    it('takes it for unavailable when nobody listens', async () => {
      await using receiver = await OtlpReceiver.start();
      await using transport = transportTo(receiver, { endpoint: `${protocol}://127.0.0.1:1`, timeoutMs: 500 });
      assert.equal((await transport.send(spanBatch('a'))).type, 'unavailable');
    });

    it('takes it for unavailable when what listens speaks something else', async () => {
      await using receiver = await OtlpReceiver.start();
      const port = protocol === 'grpc' ? receiver.httpPort : receiver.grpcPort;
      await using transport = transportTo(receiver, { endpoint: `${protocol}://127.0.0.1:${port}`, timeoutMs: 500 });
      assert.equal((await transport.send(spanBatch('a'))).type, 'unavailable');
    });

    it('keeps credentials of the endpoint out of what people read', async () => {
      await using receiver = await OtlpReceiver.start();
      const endpoint = endpointOf(receiver).replace('://', '://user:secret@');
      await using transport = transportTo(receiver, { endpoint });
      assert.doesNotMatch(transport.destination, /user|secret/);
      assert.match(transport.destination, /127\.0\.0\.1:\d+ \((grpc|http\/protobuf)\)$/);
    });

    describe('with TLS', () => {
      let folder: string;
      let authority: TestAuthority;
      let tls: ReceiverTls;
      let files: OtlpOptions['tls'];
      before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'robustmq-otlp-'));
        authority = await TestAuthority.create();
        const server = await authority.issueForServer();
        const client = await authority.issue('CN=broker-1');
        tls = { ...server, clientAuthority: authority.certificate };
        const write = async (name: string, text: string) => {
          await writeFile(join(folder, name), text);
          return join(folder, name);
        };
        files = {
          caFile: await write('ca.crt', authority.certificate),
          certificateFile: await write('client.crt', client.certificate),
          keyFile: await write('client.key', client.key),
        };
      });
      after(() => rm(folder, { recursive: true }));

      it('trusts the given authority and shows its certificate', async () => {
        await using receiver = await OtlpReceiver.start({ tls });
        await using transport = transportTo(receiver, { endpoint: endpointOf(receiver, true), tls: files });
        assert.deepEqual(await transport.send(spanBatch('a')), TAKEN);
      });

      it('takes the files from OTEL_EXPORTER_OTLP_*', async () => {
        await using receiver = await OtlpReceiver.start({ tls });
        await using transport = transportTo(
          receiver,
          { endpoint: endpointOf(receiver, true) },
          {
            OTEL_EXPORTER_OTLP_CERTIFICATE: files.caFile,
            OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: files.certificateFile,
            OTEL_EXPORTER_OTLP_CLIENT_KEY: files.keyFile,
          },
        );
        assert.deepEqual(await transport.send(spanBatch('a')), TAKEN);
      });

      it('sends nothing to a collector that it has no reason to trust', async () => {
        await using receiver = await OtlpReceiver.start({ tls });
        const options = { endpoint: endpointOf(receiver, true), timeoutMs: 500 };
        await using transport = transportTo(receiver, options);
        assert.equal((await transport.send(spanBatch('a'))).type, 'unavailable');
        assert.equal(receiver.requests, 0);
      });
    });
  });
