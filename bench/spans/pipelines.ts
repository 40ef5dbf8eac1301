import { type Encoding, OwnPipeline } from './own-pipeline.ts';
import { grpcSender, httpSender, NOWHERE } from './request-sender.ts';
import { SdkPipeline } from './sdk-pipeline.ts';
import { DEFAULT_REQUEST_SPANS, LARGE_REQUEST_SPANS, type SpanPipeline } from './span-pipeline.ts';

type Transport = 'http' | 'grpc';
export type Urls = Readonly<Record<Transport, string>>;

export interface PipelineKind {
  readonly name: string;
  readonly requestSpans: number;
  /** Undefined: its requests go nowhere. */
  readonly transport: Transport | undefined;
  readonly open: (urls: Urls) => SpanPipeline;
}

export const SDK = 'SDK';

function sdk(transport: Transport, requestSpans: number): PipelineKind {
  const open = (urls: Urls) => new SdkPipeline(transport, urls[transport], requestSpans);
  return { name: SDK, requestSpans, transport, open };
}

function own(encoding: Encoding, transport: Transport | undefined, requestSpans: number): PipelineKind {
  const senderOf = { http: httpSender, grpc: grpcSender };
  const open = (urls: Urls) => {
    const sender = transport === undefined ? NOWHERE : senderOf[transport](urls[transport]);
    return new OwnPipeline(encoding, sender, requestSpans);
  };
  return { name: `ours, ${encoding}`, requestSpans, transport, open };
}

const COMPARED = ([DEFAULT_REQUEST_SPANS, LARGE_REQUEST_SPANS] as const).flatMap((spans) =>
  (['http', 'grpc'] as const).map((transport) => ({ spans, transport })),
);

export const PIPELINES: readonly PipelineKind[] = [
  ...COMPARED.map(({ transport, spans }) => sdk(transport, spans)),
  ...COMPARED.map(({ transport, spans }) => own('template', transport, spans)),
  own('visitor', 'http', LARGE_REQUEST_SPANS),
  own('visitor', 'grpc', LARGE_REQUEST_SPANS),
  own('visitor', undefined, DEFAULT_REQUEST_SPANS),
  own('template', undefined, DEFAULT_REQUEST_SPANS),
];
