import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Server as GrpcServer, type handleUnaryCall, ServerCredentials, status } from '@grpc/grpc-js';
import { decodeExportRequest, type ReceivedSpan } from './otlp-decoder.ts';
import { TcpFront } from './tcp-front.ts';

/**
 * `reject` answers that it is not available, `hang` reads and never answers, `reset` cuts the connection, `slow` takes its
 * time, `refuse` answers that it will never take the request, `partial` takes all spans of a request but the first.
 */
export type ReceiverBehaviour = 'accept' | 'reject' | 'hang' | 'reset' | 'slow' | 'refuse' | 'partial';
type Answer = 'accept' | 'reject' | 'hang' | 'refuse' | 'partial';

/** With TLS: what the server shows, and who must have issued its clients' certificates. In PEM. */
export interface ReceiverTls {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority: string;
}
interface ReceiverOptions {
  readonly httpPort?: number;
  readonly grpcPort?: number;
  readonly tls?: ReceiverTls;
}

const SLOW_MS = 25;
const RESPONSES: Readonly<Record<'accept' | 'partial', Buffer>> = {
  accept: Buffer.alloc(0),
  /** partial_success { rejected_spans: 1, error_message: "no" } */
  partial: Buffer.from([0x0a, 0x06, 0x08, 0x01, 0x12, 0x02, 0x6e, 0x6f]),
};
const HTTP_STATUS: Readonly<Record<Exclude<Answer, 'hang'>, number>> = {
  accept: 200,
  partial: 200,
  refuse: 400,
  reject: 503,
};
const service = (name: string) =>
  ({
    export: {
      path: `/opentelemetry.proto.collector.${name}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  }) as const;

/** A real OTLP collector for tests: HTTP/protobuf and gRPC, each on a port of its own, keeping what it receives. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** The requests that they came in. */
  readonly traces: Uint8Array[] = [];
  /** Export requests seen, whatever became of them. */
  requests = 0;
  /** Of the last request, names in lower case. */
  headers: Readonly<Record<string, unknown>> = {};
  /** Requests with metrics and logs, as they came. */
  readonly metrics: Uint8Array[] = [];
  readonly logs: Uint8Array[] = [];
  #behaviour: ReceiverBehaviour = 'accept';
  #waiting: { readonly isEnough: (spans: readonly ReceivedSpan[]) => boolean; readonly resolve: () => void }[] = [];
  readonly #http: Server;
  readonly #grpc = new GrpcServer();
  readonly #tls: ReceiverTls | undefined;
  #fronts: TcpFront[] = [];

  private constructor(tls: ReceiverTls | undefined) {
    this.#tls = tls;
    const onHttp = (request: IncomingMessage, response: ServerResponse) => this.#onHttp(request, response);
    this.#http =
      tls === undefined
        ? createServer(onHttp)
        : createTlsServer({ cert: tls.certificate, key: tls.key, ca: tls.clientAuthority, requestCert: true }, onHttp);
    this.#grpc.addService(service('trace.v1.TraceService'), { export: this.#onGrpc((bytes) => this.#receive(bytes)) });
    this.#grpc.addService(service('metrics.v1.MetricsService'), {
      export: this.#onGrpc((bytes) => this.#keep(this.metrics, bytes)),
    });
    this.#grpc.addService(service('logs.v1.LogsService'), {
      export: this.#onGrpc((bytes) => this.#keep(this.logs, bytes)),
    });
  }

  /** Listens on the given ports of the loopback address; 0 takes a free one. */
  static async start(ports: ReceiverOptions = {}): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(ports.tls);
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

  /** Bytes that came over either port, compressed or not. */
  get receivedBytes(): number {
    return this.#fronts.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #bindGrpc(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#grpc.bindAsync('127.0.0.1:0', this.#credentials(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }

  #credentials(): ServerCredentials {
    if (this.#tls === undefined) return ServerCredentials.createInsecure();
    const { certificate, key, clientAuthority } = this.#tls;
    const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) };
    return ServerCredentials.createSsl(Buffer.from(clientAuthority), [pair], true);
  }

  #onGrpc(receive: (bytes: Buffer) => Promise<Answer>): handleUnaryCall<Buffer, Buffer> {
    return async (call, respond) => {
      this.headers = call.metadata.getMap();
      const answer = await receive(call.request);
      if (answer === 'hang') return;
      if (answer === 'accept' || answer === 'partial') respond(null, RESPONSES[answer]);
      else if (answer === 'refuse') respond({ code: status.INVALID_ARGUMENT, details: 'the receiver refuses' });
      else respond({ code: status.UNAVAILABLE, details: 'the receiver rejects' });
    };
  }

  async #keep(requests: Uint8Array[], bytes: Uint8Array): Promise<Answer> {
    const answer = await this.#answer();
    if (answer === 'accept') requests.push(bytes);
    return answer;
  }

  async #answer(): Promise<Answer> {
    this.requests += 1;
    const behaviour = this.#behaviour;
    if (behaviour === 'slow') await delay(SLOW_MS);
    if (behaviour === 'reset') return 'hang';
    return behaviour === 'slow' ? 'accept' : behaviour;
  }

  async #receive(bytes: Uint8Array): Promise<Answer> {
    const answer = await this.#answer();
    if (answer !== 'accept' && answer !== 'partial') return answer;
    this.traces.push(bytes);
    this.spans.push(...decodeExportRequest(bytes).slice(answer === 'partial' ? 1 : 0));
    const done = new Set(this.#waiting.filter(({ isEnough }) => isEnough(this.spans)));
    for (const { resolve } of done) resolve();
    this.#waiting = this.#waiting.filter((waiter) => !done.has(waiter));
    return answer;
  }

  async #onHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The connection was cut while the request came.
    }
    this.headers = request.headers;
    const body = Buffer.concat(chunks);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const answer = await this.#route(request.method === 'POST' ? request.url : undefined, bytes);
    if (answer === 'hang') return;
    if (answer === undefined) response.writeHead(404).end();
    else
      response
        .writeHead(HTTP_STATUS[answer], { 'content-type': 'application/x-protobuf' })
        .end(answer === 'partial' ? RESPONSES.partial : undefined);
  }

  async #route(path: string | undefined, bytes: Uint8Array): Promise<Answer | undefined> {
    if (path === '/v1/traces') return this.#receive(bytes);
    if (path === '/v1/metrics') return this.#keep(this.metrics, bytes);
    if (path === '/v1/logs') return this.#keep(this.logs, bytes);
    return undefined;
  }
}
