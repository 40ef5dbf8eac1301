import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { otlpFailure } from './otlp-failure.ts';

const grpcError = (code: number, details: readonly Buffer[] = []): Error =>
  Object.assign(new Error(`${code} SOMETHING: said so`), {
    code,
    details: 'said so',
    metadata: { get: () => details },
  });

describe('whether a failed request may be sent again', () => {
  it('over gRPC is said by the code, as OTLP has it', () => {
    const repeatable = Array.from({ length: 16 }, (_, index) => index + 1).filter(
      (code) => otlpFailure('grpc', grpcError(code)).type === 'unavailable',
    );
    assert.deepEqual(repeatable, [1, 4, 10, 11, 14, 15]);
    assert.equal(otlpFailure('grpc', grpcError(3)).message, 'said so');
  });

  it('after RESOURCE_EXHAUSTED only if the collector says when', () => {
    const retryInfo = Buffer.from('\x08\x08\x1a\x2a\x0a\x28type.googleapis.com/google.rpc.RetryInfo');
    assert.equal(otlpFailure('grpc', grpcError(8, [retryInfo])).type, 'unavailable');
    assert.equal(otlpFailure('grpc', grpcError(8, [Buffer.from('too large')])).type, 'rejected');
  });

  it('over HTTP is so for whatever the transport does not give a status of', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    assert.deepEqual(otlpFailure('http/protobuf', refused), { type: 'unavailable', message: 'connect ECONNREFUSED' });
    assert.equal(otlpFailure('http/protobuf', new Error('Export failed with retryable status')).type, 'unavailable');
    assert.equal(otlpFailure('http/protobuf', undefined).message, 'no reason given');
    const notFound = Object.assign(new Error('Not Found'), { code: 404 });
    assert.deepEqual(otlpFailure('http/protobuf', notFound), { type: 'rejected', message: 'HTTP 404 Not Found' });
  });
});
