import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { PasswordVerifier } from './password-verifier.ts';

/** Decides who a client is. One for each listener, as listeners differ in whether they take strangers. */
export interface Authenticator {
  authenticate(credentials: Credentials): Promise<AuthOutcome>;
}

export interface Credentials {
  readonly clientId: string;
  readonly username: string | undefined;
  /** Any bytes (Binary Data, MQTT 5 section 3.1.3.6). */
  readonly password: Uint8Array | undefined;
  /** Of the client, without the port. */
  readonly address: string;
}

export type AuthOutcome =
  | {
      readonly type: 'allowed';
      /** The verified user name; undefined for a client that has proved none, whatever it calls itself. */
      readonly identity: string | undefined;
      readonly method: 'anonymous' | 'password';
      readonly cached: boolean;
    }
  | {
      readonly type: 'refused';
      readonly reasonCode: typeof ReasonCode.badUserNameOrPassword | typeof ReasonCode.notAuthorized;
    }
  | { readonly type: 'unavailable' };

const ANONYMOUS: AuthOutcome = { type: 'allowed', identity: undefined, method: 'anonymous', cached: false };
const BAD_CREDENTIALS: AuthOutcome = { type: 'refused', reasonCode: ReasonCode.badUserNameOrPassword };
const CREDENTIALS_WANTED: AuthOutcome = { type: 'refused', reasonCode: ReasonCode.notAuthorized };

/**
 * Known users with their passwords; strangers where `allowAnonymous`. Wrong credentials are refused even where strangers
 * are welcome: whoever names a user is that user or nobody. Without a verifier there is nothing to check credentials
 * against, so they are ignored and prove nothing.
 */
export function createAuthenticator(verifier: PasswordVerifier | undefined, allowAnonymous: boolean): Authenticator {
  return {
    async authenticate({ username, password }) {
      const isAnonymous = username === undefined && password === undefined;
      if (isAnonymous || verifier === undefined) return allowAnonymous ? ANONYMOUS : CREDENTIALS_WANTED;
      if (username === undefined || password === undefined) return BAD_CREDENTIALS;
      const verification = await verifier.verify(username, password);
      switch (verification.type) {
        case 'verified':
          return { type: 'allowed', identity: username, method: 'password', cached: verification.cached };
        case 'wrong':
          return BAD_CREDENTIALS;
        case 'overloaded':
          return { type: 'unavailable' };
      }
    },
  };
}
