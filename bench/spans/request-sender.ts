import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Client, credentials } from '@grpc/grpc-js';

/** Sends an ExportTraceServiceRequest; settles when it is accepted. */
export interface RequestSender {
  send(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** Takes the bytes and forgets them: what encoding costs without any sending. */
export const NOWHERE: RequestSender = { send: () => Promise.resolve(), close: () => Promise.resolve() };

export function httpSender(url: string): RequestSender {
  const agent = new Agent({ keepAlive: true });
  return {
    async send(bytes) {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': bytes.length };
      const sending = request(url, { method: 'POST', agent, headers });
      sending.end(bytes);
      const [response] = await once(sending, 'response');
      response.resume();
      await once(response, 'end');
      if (response.statusCode !== 200) throw new Error(`the receiver answered ${response.statusCode}`);
    },
    async close() {
      agent.destroy();
    },
  };
}

export function grpcSender(url: string): RequestSender {
  const client = new Client(new URL(url).host, credentials.createInsecure());
  const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          EXPORT_PATH,
          asBuffer,
          (answer) => answer,
          bytes,
          (error) => {
            if (error === null) resolve();
            else reject(error);
          },
        );
      }),
    async close() {
      client.close();
    },
  };
}
