/** The collector of the bench, in a process of its own: takes requests by HTTP and gRPC and counts the spans in them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as GrpcServer, type handleUnaryCall, ServerCredentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const LENGTH_DELIMITED = 2;
const EMPTY = Buffer.alloc(0);
/** resource_spans, scope_spans and spans: what leads from a request to a span. */
const PATH = [1, 2, 2];
const asIs = (bytes: Buffer): Buffer => bytes;

let spans = 0;

/** Walks the lengths alone: decoding would cost more than all that is measured. */
function countSpans(bytes: Uint8Array, depth = 0): number {
  if (depth === PATH.length) return 1;
  const reader = protobuf.Reader.create(bytes);
  let count = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === PATH[depth] && (tag & 7) === LENGTH_DELIMITED) count += countSpans(reader.bytes(), depth + 1);
    else reader.skipType(tag & 7);
  }
  return count;
}

const http = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  spans += countSpans(Buffer.concat(chunks));
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
});
const onExport: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
  spans += countSpans(call.request);
  respond(null, EMPTY);
};
const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const unary = { requestStream: false, responseStream: false } as const;
const serializers = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
const grpc = new GrpcServer();
grpc.addService({ export: { path, ...unary, ...serializers } }, { export: onExport });

http.listen(0, '127.0.0.1');
await once(http, 'listening');
const { promise, resolve, reject } = Promise.withResolvers<number>();
grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
  error ? reject(error) : resolve(port),
);
const grpcPort = await promise;

process.on('message', () => process.send!({ spans }));
process.on('disconnect', () => process.exit());
process.send!({ httpPort: (http.address() as AddressInfo).port, grpcPort });
