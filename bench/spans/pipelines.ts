import { LOAD_KINDS, type LoadKind } from './message-load.ts';
import { OwnPipeline } from './own-pipeline.ts';
import { SdkPipeline } from './sdk-pipeline.ts';
import { DEFAULT_REQUEST_SPANS, LARGE_REQUEST_SPANS, type SpanPipeline, type Transport } from './span-pipeline.ts';

/** HTTP with the path of traces, gRPC without. */
export type Urls = Readonly<Record<Transport, string>>;

export interface PipelineKind {
  readonly name: string;
  readonly load: LoadKind;
  readonly transport: Transport;
  readonly open: (urls: Urls) => SpanPipeline;
}

/** The SDK as it is without configuration: what the others are compared with. */
export const SDK = 'SDK';

function pipelinesOf(load: LoadKind, transport: Transport): PipelineKind[] {
  const sdk = (requestSpans: number) => (urls: Urls) => new SdkPipeline(load, transport, urls[transport], requestSpans);
  return [
    { name: SDK, load, transport, open: sdk(DEFAULT_REQUEST_SPANS) },
    { name: `SDK, ${LARGE_REQUEST_SPANS} spans a request`, load, transport, open: sdk(LARGE_REQUEST_SPANS) },
    { name: 'RobustMQ', load, transport, open: (urls) => new OwnPipeline(load, transport, urls[transport]) },
  ];
}

export const PIPELINES: readonly PipelineKind[] = LOAD_KINDS.flatMap((load) =>
  (['http', 'grpc'] as const).flatMap((transport) => pipelinesOf(load, transport)),
);
