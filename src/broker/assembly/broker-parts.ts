import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../config/schema.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Placement } from '../../placement/placement.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Recording } from '../../telemetry/recording.ts';
import type { AccessControl } from '../auth/access-control.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { EnhancedAuthenticator } from '../auth/enhanced-authenticator.ts';

/** What a broker is made from. */
export interface BrokerParts {
  readonly config: Config;
  readonly journal: Journal;
  readonly placement: Placement;
  /** By listener name. */
  readonly authenticators: ReadonlyMap<string, Authenticator>;
  /** By listener name; without an entry the listener offers no AUTH exchange. */
  readonly enhanced: ReadonlyMap<string, EnhancedAuthenticator>;
  readonly access: AccessControl;
  readonly recording: Recording;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
}
