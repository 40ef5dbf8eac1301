import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { AuthenticationBackend } from './authenticator.ts';
import type { PasswordVerifier } from './password-verifier.ts';

/** User name and password. A user it does not know it leaves to others, after as long as a wrong password takes. */
export function passwordBackend(verifier: PasswordVerifier): AuthenticationBackend {
  return {
    method: 'password',
    async verify({ username, password, address }) {
      if (username === undefined || password === undefined) return { type: 'ignored' };
      const verification = await verifier.verify(username, password, address);
      switch (verification.type) {
        case 'verified':
          return { type: 'allowed', identity: username, cached: verification.cached };
        case 'unknown':
          return { type: 'ignored' };
        case 'wrong':
          return {
            type: 'refused',
            reasonCode: ReasonCode.badUserNameOrPassword,
            reason: 'not the password of the user',
          };
        case 'overloaded':
          return {
            type: 'unavailable',
            reasonCode: ReasonCode.serverBusy,
            reason: 'too many passwords are being checked',
          };
      }
    },
  };
}
