import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { accessRules } from '../../placement/acl.ts';
import { type AccessRules, compileRules } from './access-rules.ts';
import type { AuthenticationBackend, Credentials, Verdict } from './authenticator.ts';
import type { JwtKeys, JwtSettings } from './jwt-keys.ts';
import { KeySetUnavailable } from './remote-key-set.ts';

/** The three parts of a signed token (RFC 7515 section 3.1); the last is empty in one that is not signed. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * A JSON Web Token in the place of the password. The user name that CONNECT must have beside it in MQTT 3.1.1 counts for
 * nothing: who the client is, the token says.
 */
export class JwtBackend implements AuthenticationBackend {
  readonly method = 'jwt';
  readonly #keys: () => JwtKeys;
  readonly #settings: JwtSettings;
  readonly #clock: Clock;

  /** @param keys the present ones */
  constructor(keys: () => JwtKeys, settings: JwtSettings, clock: Clock) {
    this.#keys = keys;
    this.#settings = settings;
    this.#clock = clock;
  }

  async verify({ password, clientId }: Credentials): Promise<Verdict> {
    const token = password && tokenOf(password);
    if (token === undefined) return { type: 'ignored' };
    let claims: JWTPayload;
    try {
      claims = await this.#verifiedClaims(token);
    } catch (error) {
      if (error instanceof KeySetUnavailable)
        return { type: 'unavailable', reasonCode: ReasonCode.serverUnavailable, reason: error.message };
      return refused(ReasonCode.badUserNameOrPassword, reasonOf(error));
    }
    return this.#judge(claims, clientId);
  }

  async #verifiedClaims(token: string): Promise<JWTPayload> {
    const { issuer, audience, clockToleranceSeconds } = this.#settings;
    const { algorithms, keyOf } = this.#keys();
    const options: JWTVerifyOptions = {
      algorithms: [...algorithms],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(this.#clock.now()),
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    };
    try {
      return (await jwtVerify(token, keyOf, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return await verifyWithAny(token, error, options);
    }
  }

  /** The token is genuine: whether it is for this client, and what it lets it do. */
  #judge(claims: JWTPayload, clientId: string): Verdict {
    const { userNameClaim, clientIdClaim, aclClaim, clockToleranceSeconds } = this.#settings;
    const identity = claims[userNameClaim];
    if (typeof identity !== 'string' || identity === '')
      return refused(ReasonCode.badUserNameOrPassword, `the claim "${userNameClaim}" holds no user name`);
    if (clientIdClaim !== undefined && claims[clientIdClaim] !== clientId)
      return refused(ReasonCode.notAuthorized, `the claim "${clientIdClaim}" is not the client id`);
    let rules: AccessRules | undefined;
    try {
      rules = claimedRules(claims[aclClaim]);
    } catch (error) {
      return refused(ReasonCode.notAuthorized, `the claim "${aclClaim}" is no list of rules: ${reasonOf(error)}`);
    }
    // As at CONNECT, `exp` is over when it is by any clock that is right enough.
    const expiresAt = claims.exp === undefined ? undefined : (claims.exp + clockToleranceSeconds) * 1000;
    return { type: 'allowed', identity, cached: false, expiresAt, rules };
  }
}

/** Undefined for a password that is none: then it is for others to judge. */
function tokenOf(password: Uint8Array): string | undefined {
  const text = Buffer.from(password.buffer, password.byteOffset, password.length).toString('latin1');
  if (!COMPACT.test(text)) return undefined;
  try {
    const header: unknown = JSON.parse(Buffer.from(text.slice(0, text.indexOf('.')), 'base64url').toString());
    return typeof header === 'object' && header !== null && 'alg' in header ? text : undefined;
  } catch {
    return undefined;
  }
}

/** A token that does not say which key it was signed with, and several may be it. */
async function verifyWithAny(
  token: string,
  candidates: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of candidates)
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  throw new errors.JWSSignatureVerificationFailed();
}

/** Undefined where there is no such claim; throws for one that is malformed. */
function claimedRules(claim: unknown): AccessRules | undefined {
  return claim === undefined ? undefined : compileRules(accessRules.parse(claim), 'jwt', 'acl');
}

const refused = (
  reasonCode: typeof ReasonCode.badUserNameOrPassword | typeof ReasonCode.notAuthorized,
  reason: string,
): Verdict => ({ type: 'refused', reasonCode, reason });

/** Names what is wrong with the token, and nothing of what is in it. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JOSEError || error instanceof CodedError) return error.message;
  return error instanceof Error ? error.name : 'unknown';
}
