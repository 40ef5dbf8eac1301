import { TokenBucket } from '../../base/token-bucket.ts';
import type { ListenerConfig } from '../../config/schema.ts';
import type { PublishView } from '../../mqtt/publish-view.ts';
import { combinedUserProperty } from '../../mqtt/user-property.ts';
import { MAX_TRACE_STATE_BYTES } from '../../telemetry/sampling/trace-state.ts';
import { CONTEXT_BYTES, isSampled, parseTraceparent } from '../../telemetry/trace-context.ts';
import { ForcedShare } from './forced-share.ts';

const TRACESTATE_NAME = Buffer.from('tracestate');

/** How far a publisher's context is trusted: its trace goes on, the broker's is linked to it, or it counts as absent. */
export type CallerTrust = 'follow' | 'link' | 'none';

/** Who sends contexts. */
export interface Caller {
  readonly listener: ListenerConfig;
  /** What it may choose by its sampled flags; undefined until it sends one where there is a limit. */
  forcedShare: TokenBucket | undefined;
}

/** The trace context that a publisher sent with a message, and what its listener makes of it. */
export class CallerContext {
  /** Of the message that was read last, where it is trusted. */
  readonly bytes = new Uint8Array(CONTEXT_BYTES);
  readonly #maxForcedPerSecond: number;
  /** By listener name, of those that have a limit: what all their clients share. */
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

  /**
   * Of the traces a second that sampled flags of callers may choose on its listener, what the caller may; undefined: as many
   * as it likes, or its flag was not set.
   */
  forced(caller: Caller, now: number): TokenBucket | undefined {
    if (caller.forcedShare !== undefined || !isSampled(this.bytes)) return caller.forcedShare;
    const { listener } = caller;
    const perSecond = listener.maxForcedTracesPerSecond ?? this.#maxForcedPerSecond;
    if (perSecond === 0) return undefined;
    let all = this.#forced.get(listener.name);
    if (all === undefined) {
      all = new TokenBucket(perSecond, now);
      this.#forced.set(listener.name, all);
    }
    caller.forcedShare = new ForcedShare(all, perSecond, now);
    return caller.forcedShare;
  }
}
