import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as GrpcServer, type handleUnaryCall, ServerCredentials, status } from '@grpc/grpc-js';
import { decodeExportRequest, type ReceivedSpan } from './otlp-decoder.ts';
import { TcpFront } from './tcp-front.ts';

/** `reject` answers that it is not available, `hang` reads and never answers, `reset` cuts the connection. */
export type ReceiverBehaviour = 'accept' | 'reject' | 'hang' | 'reset';

const EMPTY_RESPONSE = Buffer.alloc(0);
const TRACE_SERVICE = {
  export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} as const;

/** A real OTLP collector for tests: HTTP/protobuf and gRPC, each on a port of its own, keeping what it receives. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Export requests seen, whatever became of them. */
  requests = 0;
  #behaviour: ReceiverBehaviour = 'accept';
  #waiting: { readonly isEnough: (spans: readonly ReceivedSpan[]) => boolean; readonly resolve: () => void }[] = [];
  readonly #http: Server;
  readonly #grpc = new GrpcServer();
  #fronts: TcpFront[] = [];

  private constructor() {
    this.#http = createServer((request, response) => this.#onHttp(request, response));
    const onExport: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
      const answer = this.#receive(call.request);
      if (answer === 'hang') return;
      if (answer === 'accept') respond(null, EMPTY_RESPONSE);
      else respond({ code: status.UNAVAILABLE, details: 'the receiver rejects' });
    };
    this.#grpc.addService(TRACE_SERVICE, { export: onExport });
  }

  /** Listens on the given ports of the loopback address; 0 takes a free one. */
  static async start(ports: { httpPort?: number; grpcPort?: number } = {}): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#http.listen(0, '127.0.0.1');
    await once(receiver.#http, 'listening');
    const innerGrpcPort = await receiver.#bindGrpc();
    const innerHttpPort = (receiver.#http.address() as AddressInfo).port;
    receiver.#fronts = [
      await TcpFront.start(ports.httpPort ?? 0, innerHttpPort),
      await TcpFront.start(ports.grpcPort ?? 0, innerGrpcPort),
    ];
    return receiver;
  }

  get httpPort(): number {
    return this.#fronts[0]!.port;
  }

  get grpcPort(): number {
    return this.#fronts[1]!.port;
  }

  behave(behaviour: ReceiverBehaviour): void {
    this.#behaviour = behaviour;
    for (const front of this.#fronts) front.cut(behaviour === 'reset');
  }

  /** Settles once so many spans have been accepted since the start. */
  received(count: number): Promise<readonly ReceivedSpan[]> {
    return this.until((spans) => spans.length >= count);
  }

  /** Settles once what has been accepted since the start is enough. */
  async until(isEnough: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]> {
    if (!isEnough(this.spans)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ isEnough, resolve });
      await promise;
    }
    return this.spans;
  }

  /** From then on connections are refused. */
  async close(): Promise<void> {
    for (const front of this.#fronts) await front.close();
    this.#grpc.forceShutdown();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #bindGrpc(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }

  #receive(bytes: Uint8Array): ReceiverBehaviour {
    this.requests += 1;
    if (this.#behaviour !== 'accept') return this.#behaviour;
    this.spans.push(...decodeExportRequest(bytes));
    const done = new Set(this.#waiting.filter(({ isEnough }) => isEnough(this.spans)));
    for (const { resolve } of done) resolve();
    this.#waiting = this.#waiting.filter((waiter) => !done.has(waiter));
    return 'accept';
  }

  async #onHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The connection was cut while the request came.
    }
    if (request.method !== 'POST' || request.url !== '/v1/traces') {
      response.writeHead(404).end();
      return;
    }
    const answer = this.#receive(Buffer.concat(chunks));
    if (answer === 'hang') return;
    response.writeHead(answer === 'accept' ? 200 : 503, { 'content-type': 'application/x-protobuf' }).end();
  }
}
