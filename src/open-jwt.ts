import type { Clock } from './base/clock.ts';
import type { AuthenticationBackend } from './broker/auth/authenticator.ts';
import { JwtBackend } from './broker/auth/jwt-backend.ts';
import { type JwtSettings, readJwtKeys } from './broker/auth/jwt-keys.ts';
import { RemoteKeySet } from './broker/auth/remote-key-set.ts';
import { LOG_EVENTS } from './telemetry/catalogue.ts';
import type { Log } from './telemetry/log.ts';

/** Tokens, and the keys they are verified with. */
export interface Jwt {
  /** Undefined where no keys are configured. */
  readonly backend: AuthenticationBackend | undefined;
  /** Reads the keys again; rejects when they cannot be used, and the old ones stay. */
  reload(): Promise<void>;
  close(): void;
}

export async function openJwt(settings: JwtSettings, clock: Clock, log: Log): Promise<Jwt> {
  const { jwksUrl, jwksRefreshSeconds } = settings;
  if (jwksUrl !== undefined) {
    const keys = new RemoteKeySet(jwksUrl, jwksRefreshSeconds * 1000, clock, (error) =>
      log.write(LOG_EVENTS.keySetUnavailable, { error }),
    );
    const backend = new JwtBackend(() => keys, settings, clock);
    return { backend, reload: async () => keys.expire(), close: () => keys.close() };
  }
  let keys = await readJwtKeys(settings);
  if (keys === undefined) return { backend: undefined, reload: async () => undefined, close: () => undefined };
  return {
    backend: new JwtBackend(() => keys!, settings, clock),
    async reload() {
      keys = await readJwtKeys(settings);
    },
    close: () => undefined,
  };
}
