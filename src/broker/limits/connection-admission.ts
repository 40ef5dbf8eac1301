import { TokenBucket } from '../../base/token-bucket.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { addressGroup } from './address-group.ts';

/** As both the table `mqtt` and a listener's have them; 0: no limit. */
export interface AdmissionLimits {
  readonly maxConnections: number;
  /** See `addressGroup` for what one address is. */
  readonly maxConnectionsPerAddress: number;
  /** New connections a second. */
  readonly maxConnectRate: number;
}

/** Why a connection is not taken: the label of `robustmq_limits_hit_total`, and what CONNACK says. */
export interface AdmissionRefusal {
  readonly limit: 'connections' | 'connections_per_address' | 'connect_rate';
  readonly reasonCode: ReasonCode;
}

const TOO_MANY: AdmissionRefusal = { limit: 'connections', reasonCode: ReasonCode.quotaExceeded };
const TOO_MANY_FROM_ADDRESS: AdmissionRefusal = {
  limit: 'connections_per_address',
  reasonCode: ReasonCode.quotaExceeded,
};
const TOO_FAST: AdmissionRefusal = { limit: 'connect_rate', reasonCode: ReasonCode.connectionRateExceeded };

/** Counts connections over all listeners and on each, and says who may come in. What is refused is counted nowhere. */
export class ConnectionAdmission {
  readonly #overall: Counts;
  readonly #byListener = new Map<string, Counts>();

  /** `now`: Unix milliseconds. */
  constructor(overall: AdmissionLimits, now: number) {
    this.#overall = new Counts(overall, now);
  }

  /** Counts the connection, for which `leave` must follow when it ends, or tells why it is refused. */
  enter(
    listener: AdmissionLimits & { readonly name: string },
    address: string,
    now: number,
  ): AdmissionRefusal | undefined {
    const overall = this.#overall;
    let onListener = this.#byListener.get(listener.name);
    if (onListener === undefined) {
      onListener = new Counts(listener, now);
      this.#byListener.set(listener.name, onListener);
    }
    const group = addressGroup(address);
    if (overall.isFull || onListener.isFull) return TOO_MANY;
    if (overall.isFullFor(group) || onListener.isFullFor(group)) return TOO_MANY_FROM_ADDRESS;
    if (overall.isTooFast(now) || onListener.isTooFast(now)) return TOO_FAST;
    overall.enter(group, now);
    onListener.enter(group, now);
    return undefined;
  }

  leave(listenerName: string, address: string): void {
    const group = addressGroup(address);
    this.#overall.leave(group);
    this.#byListener.get(listenerName)!.leave(group);
  }
}

class Counts {
  readonly #limits: AdmissionLimits;
  readonly #rate: TokenBucket | undefined;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(limits: AdmissionLimits, now: number) {
    this.#limits = limits;
    if (limits.maxConnectRate > 0) this.#rate = new TokenBucket(limits.maxConnectRate, now);
  }

  get isFull(): boolean {
    return isReached(this.#limits.maxConnections, this.#count);
  }

  isFullFor(group: string): boolean {
    return isReached(this.#limits.maxConnectionsPerAddress, this.#byAddress.get(group) ?? 0);
  }

  isTooFast(now: number): boolean {
    return this.#rate?.has(now) === false;
  }

  enter(group: string, now: number): void {
    this.#count += 1;
    this.#rate?.take(now);
    if (this.#limits.maxConnectionsPerAddress > 0) this.#byAddress.set(group, (this.#byAddress.get(group) ?? 0) + 1);
  }

  leave(group: string): void {
    this.#count -= 1;
    const left = (this.#byAddress.get(group) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(group, left);
    else this.#byAddress.delete(group);
  }
}

function isReached(maximum: number, count: number): boolean {
  return maximum > 0 && count >= maximum;
}
