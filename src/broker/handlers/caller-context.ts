import { TokenBucket } from '../../base/token-bucket.ts';
import type { ListenerConfig } from '../../config/schema.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import { combinedUserProperty } from '../../mqtt/user-property.ts';
import { MAX_TRACE_STATE_BYTES } from '../../telemetry/sampling/trace-state.ts';
import { CONTEXT_BYTES, parseTraceparent } from '../../telemetry/trace-context.ts';

const TRACESTATE_NAME = Buffer.from('tracestate');

/** How far a publisher's context is trusted: its trace goes on, the broker's is linked to it, or it counts as absent. */
export type CallerTrust = 'follow' | 'link' | 'none';

/** The trace context that a publisher sent with a message, and what its listener makes of it. */
export class CallerContext {
  /** Of the message that was read last, where it is trusted. */
  readonly bytes = new Uint8Array(CONTEXT_BYTES);
  readonly #maxForcedPerSecond: number;
  /** By listener name, of those that have a limit. */
  readonly #forced = new Map<string, TokenBucket>();

  /** `maxForcedPerSecond`: on each listener that has no limit of its own; 0: no limit. */
  constructor(maxForcedPerSecond: number) {
    this.#maxForcedPerSecond = maxForcedPerSecond;
  }

  /** A trace that is only linked is the broker's own: who sent the context decides neither its id nor whether it is kept. */
  read(listener: ListenerConfig, buffer: Buffer, view: PublishView): CallerTrust {
    const trust = listener.traceContext;
    if (trust === 'ignore') return 'none';
    return parseTraceparent(buffer, view.traceparentStart, view.traceparentEnd, this.bytes, 0) ? trust : 'none';
  }

  /**
   * `tracestate`, as far as anybody would read it; several are one list (W3C Trace Context 2, section 3.3.1.4). Empty: none.
   */
  traceState(buffer: Buffer, { propertiesStart, propertiesEnd }: PublishView): string {
    return combinedUserProperty(buffer, propertiesStart, propertiesEnd, TRACESTATE_NAME, MAX_TRACE_STATE_BYTES);
  }

  /** Of the traces a second that sampled flags of callers may choose on this listener; undefined: as many as they like. */
  forced(listener: ListenerConfig, now: number): TokenBucket | undefined {
    const known = this.#forced.get(listener.name);
    if (known !== undefined) return known;
    const perSecond = listener.maxForcedTracesPerSecond ?? this.#maxForcedPerSecond;
    if (perSecond === 0) return undefined;
    const bucket = new TokenBucket(perSecond, now);
    this.#forced.set(listener.name, bucket);
    return bucket;
  }
}
