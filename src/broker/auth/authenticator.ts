import type { Clock } from '../../base/clock.ts';
import type { ListenerConfig } from '../../config/schema.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { AccessRules } from './access-rules.ts';

/** What a CONNECT says of the client, and what is known of its connection. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string | undefined;
  /** Any bytes (Binary Data, MQTT 5 section 3.1.3.6). */
  readonly password: Uint8Array | undefined;
  /** Of the client, without the port. */
  readonly address: string;
  /** Of a client certificate that was verified. */
  readonly certificateIdentity?: string | undefined;
}

export type AuthenticationMethod = NonNullable<ListenerConfig['authentication']>[number];

/** One way to prove who one is, asked in turn with others. */
export interface AuthenticationBackend {
  readonly method: AuthenticationMethod;
  verify(credentials: Credentials): Promise<Verdict>;
}

type RefusalCode = typeof ReasonCode.badUserNameOrPassword | typeof ReasonCode.notAuthorized;
type UnavailableCode = typeof ReasonCode.serverBusy | typeof ReasonCode.serverUnavailable;

/** What a backend says: yes, no, not for me to say, or cannot tell now. */
export type Verdict =
  | {
      readonly type: 'allowed';
      /** The verified user name. */
      readonly identity: string;
      readonly cached: boolean;
      /** Unix milliseconds at which the proof is no longer one; left out, never. */
      readonly expiresAt?: number | undefined;
      /** What came with the proof and alone says what the client may do. */
      readonly rules?: AccessRules | undefined;
    }
  /** `reason` is for the trace, never for the client. */
  | { readonly type: 'refused'; readonly reasonCode: RefusalCode; readonly reason: string }
  | { readonly type: 'ignored' }
  | { readonly type: 'unavailable'; readonly reasonCode: UnavailableCode; readonly reason: string };

/** What one backend said, and when it was asked and answered. */
export interface AuthStep {
  readonly method: AuthenticationMethod;
  readonly verdict: Verdict;
  readonly startedAt: number;
  readonly endedAt: number;
}

export type AuthOutcome = (
  | {
      readonly type: 'allowed';
      /** The verified user name; undefined for a client that has proved none, whatever it calls itself. */
      readonly identity: string | undefined;
      readonly method: 'anonymous' | AuthenticationMethod;
      readonly cached: boolean;
      readonly expiresAt?: number | undefined;
      readonly rules?: AccessRules | undefined;
    }
  | {
      readonly type: 'refused';
      /** Who refused; `none` when nobody knew the client. */
      readonly method: 'none' | AuthenticationMethod;
      readonly reasonCode: RefusalCode;
      readonly reason: string;
      /** Whether the client showed credentials that did not hold, rather than none. */
      readonly wasAttempt: boolean;
    }
  | {
      readonly type: 'unavailable';
      readonly method: AuthenticationMethod;
      readonly reasonCode: UnavailableCode;
      readonly reason: string;
    }
) & {
  /** Whoever was asked, in order. */
  readonly steps: readonly AuthStep[];
};

/** Decides who a client is. One for each listener, as listeners differ in whom they ask and whether they take strangers. */
export interface Authenticator {
  authenticate(credentials: Credentials): Promise<AuthOutcome>;
}

/**
 * Asks the backends in order; the first that does not ignore the client decides. When all ignore it, a client without
 * credentials is a stranger, welcome where `allowAnonymous`; one with credentials is refused even there: whoever names a
 * user is that user or nobody. Without backends there is nothing to check credentials against, so they prove nothing.
 */
export function createAuthenticator(
  backends: readonly AuthenticationBackend[],
  allowAnonymous: boolean,
  clock: Clock,
): Authenticator {
  return {
    async authenticate(credentials) {
      const steps: AuthStep[] = [];
      for (const backend of backends) {
        const { method } = backend;
        const startedAt = clock.now();
        const verdict = await backend.verify(credentials);
        steps.push({ method, verdict, startedAt, endedAt: clock.now() });
        if (verdict.type === 'refused') return { ...verdict, method, wasAttempt: true, steps };
        if (verdict.type !== 'ignored') return { ...verdict, method, steps };
      }
      const hasCredentials = credentials.username !== undefined || credentials.password !== undefined;
      if (hasCredentials && backends.length > 0) return { ...UNKNOWN, steps };
      return allowAnonymous ? { ...STRANGER, steps } : { ...CREDENTIALS_WANTED, steps };
    },
  };
}

/**
 * The place in a chain of a method that has an exchange of AUTH packets of its own, and so nothing to say of a CONNECT
 * without one: credentials that nobody else knows are refused all the same.
 */
export const elsewhere = (method: AuthenticationMethod): AuthenticationBackend => ({
  method,
  verify: async () => ({ type: 'ignored' }),
});

const STRANGER = { type: 'allowed', identity: undefined, method: 'anonymous', cached: false } as const;
const CREDENTIALS_WANTED = {
  type: 'refused',
  method: 'none',
  reasonCode: ReasonCode.notAuthorized,
  reason: 'strangers are not welcome here',
  wasAttempt: false,
} as const;
const UNKNOWN = {
  type: 'refused',
  method: 'none',
  reasonCode: ReasonCode.badUserNameOrPassword,
  reason: 'no authenticator knows the client',
  wasAttempt: true,
} as const;
