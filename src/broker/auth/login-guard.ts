import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../config/schema.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { addressGroup } from '../limits/address-group.ts';
import { FailedLogins, type Suspect } from './failed-logins.ts';

const BANS = { user: counterId(METRICS.authBansTotal, 'user'), address: counterId(METRICS.authBansTotal, 'address') };
const FORGOTTEN = counterId(METRICS.limitsHitTotal, 'failed_logins');
const UNDELAYED = counterId(METRICS.limitsHitTotal, 'delayed_refusals');
/** About ten megabytes each of counts and bans. */
const MAXIMUM_ENTRIES = 65_536;
/** A refusal beyond these is answered at once: slowing is a courtesy to the backends, the ban is what stops guessing. */
const MAXIMUM_DELAYED = 4096;

/** Who claims to be whom. */
export interface Claimant {
  /** IP address, without the port. */
  readonly address: string;
  /** Claimed user name, or client id where none is claimed. */
  readonly name: string;
}

/** Makes guessing slow, and after some failures impossible for a while. Loopback addresses are addresses like others. */
export class LoginGuard {
  readonly #failures: FailedLogins;
  readonly #delayMs: number;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #waiting = new Map<NodeJS.Timeout, () => void>();
  #closed = false;

  constructor(settings: Config['authentication'], metrics: Metrics, clock: Clock) {
    this.#failures = new FailedLogins({
      perUser: settings.maxFailures,
      perAddress: settings.maxFailuresPerAddress,
      windowMs: settings.failureWindowSeconds * 1000,
      banMs: settings.banSeconds * 1000,
      maximumEntries: MAXIMUM_ENTRIES,
    });
    this.#delayMs = settings.failureDelayMs;
    this.#metrics = metrics;
    this.#clock = clock;
    metrics.gauge(METRICS.authBanned, () => this.#failures.bans(clock.now()));
  }

  isBanned(claimant: Claimant): boolean {
    return !this.#failures.isQuiet && this.#failures.isBanned(suspectOf(claimant), this.#clock.now());
  }

  /** Counts a login whose credentials did not hold. */
  failed(claimant: Claimant): void {
    const { banned, forgotten } = this.#failures.failed(suspectOf(claimant), this.#clock.now());
    for (const scope of banned) this.#metrics.add(BANS[scope]);
    if (forgotten > 0) this.#metrics.add(FORGOTTEN, forgotten);
  }

  succeeded(claimant: Claimant): void {
    this.#failures.succeeded(suspectOf(claimant));
  }

  /** How long a refusal waits before it is told. */
  delay(): Promise<void> {
    if (this.#delayMs === 0 || this.#closed) return Promise.resolve();
    if (this.#waiting.size >= MAXIMUM_DELAYED) {
      this.#metrics.add(UNDELAYED);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer);
        resolve();
      }, this.#delayMs);
      this.#waiting.set(timer, resolve);
    });
  }

  /** Tells all that wait, and lets nobody wait any more. */
  close(): void {
    this.#closed = true;
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer);
      resolve();
    }
    this.#waiting.clear();
  }
}

/** Of fixed length whatever the client claims, as they are kept. */
function suspectOf({ address, name }: Claimant): Suspect {
  const group = addressGroup(address);
  return { address: group, user: createHash('sha256').update(`${group} ${name}`).digest('base64') };
}
