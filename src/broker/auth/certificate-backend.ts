import type { AuthenticationBackend } from './authenticator.ts';

/**
 * A client certificate that the listener verified says who the client is. The user name that CONNECT may carry as well
 * counts for nothing then: devices must send one with a password in MQTT 3.1.1 and often send any.
 */
export const certificateBackend: AuthenticationBackend = {
  method: 'certificate',
  async verify({ certificateIdentity }) {
    if (certificateIdentity === undefined) return { type: 'ignored' };
    return { type: 'allowed', identity: certificateIdentity, cached: false };
  },
};
