import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { EnhancedAuthenticator, ExchangeStep } from './enhanced-authenticator.ts';
import { hmac, LEAST_ITERATIONS, prepare, type ScramCredential, sha256 } from './scram-credential.ts';
import { type ClientFirst, parseClientFinal, parseClientFirst, serverFinal, serverFirst } from './scram-message.ts';

/** The users there are at this moment, under their prepared names. */
export interface ScramUsers {
  readonly records: ReadonlyMap<string, ScramCredential>;
  /** Grows when they change. */
  readonly version: number;
}

const NONCE_BYTES = 18;
const SALT_BYTES = 16;

/** What the server has said and keeps in mind for the client's answer. */
interface Challenge {
  readonly first: ClientFirst;
  readonly user: string;
  readonly credential: ScramCredential;
  readonly nonce: string;
  readonly said: string;
}

/**
 * The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: MQTT knows nothing of the TLS
 * connection below it. The server hashes nothing expensive: the client does.
 */
export class ScramSha256 implements EnhancedAuthenticator {
  readonly method = 'SCRAM-SHA-256';
  readonly #users: ScramUsers;
  readonly #nonce: () => string;
  readonly #decoyKey = randomBytes(32);
  #known: readonly ScramCredential[] = [];
  #knownVersion = 0;

  /** @param nonce printable and never the same twice */
  constructor(users: ScramUsers, nonce: () => string = () => randomBytes(NONCE_BYTES).toString('base64')) {
    this.#users = users;
    this.#nonce = nonce;
  }

  begin(data: Uint8Array): ExchangeStep {
    const first = parseClientFirst(data);
    const user = first && prepare(first.user);
    if (first === undefined || user === undefined) return { type: 'refused', claimed: undefined };
    // Nobody may act as somebody else.
    if (first.authorizationIdentity && prepare(first.authorizationIdentity) !== user)
      return { type: 'refused', claimed: user };
    const credential = this.#users.records.get(user) ?? this.#decoy(user);
    const nonce = first.nonce + this.#nonce();
    const said = serverFirst(nonce, credential.salt, credential.iterations);
    const challenge = { first, user, credential, nonce, said };
    return {
      type: 'continue',
      data: Buffer.from(said),
      next: (answer) => this.#finish(challenge, answer),
    };
  }

  #finish({ first, user, credential, nonce, said }: Challenge, answer: Uint8Array): ExchangeStep {
    const refused: ExchangeStep = { type: 'refused', claimed: user };
    const final = parseClientFinal(answer);
    if (final === undefined || final.nonce !== nonce || final.channelBinding !== first.gs2Header) return refused;
    const covered = `${first.bare},${said},${final.withoutProof}`;
    if (!isProof(final.proof, credential, covered)) return refused;
    // The decoy of an unknown user is nobody's; a credential that was withdrawn meanwhile is not the user's any more.
    if (this.#users.records.get(user) !== credential) return refused;
    return { type: 'allowed', identity: user, data: Buffer.from(serverFinal(hmac(credential.serverKey, covered))) };
  }

  /**
   * For a name that is nobody's, so that an answer does not tell who the users are: always the same salt for a name, and
   * as many iterations as some user has. No proof fits it but by guessing 256 bits.
   */
  #decoy(user: string): ScramCredential {
    const { records, version } = this.#users;
    if (this.#knownVersion !== version) {
      this.#known = [...records.values()];
      this.#knownVersion = version;
    }
    const digest = createHmac('sha512', this.#decoyKey).update(user).digest();
    const like = this.#known[digest.readUInt32LE() % this.#known.length];
    return {
      iterations: like?.iterations ?? LEAST_ITERATIONS,
      salt: digest.subarray(4, 4 + Math.min(like?.salt.length ?? SALT_BYTES, 28)),
      storedKey: digest.subarray(32),
      serverKey: digest.subarray(32),
    };
  }
}

/** Whoever knows the client key knows the password, or has been told the key by one who did. */
function isProof(proof: Buffer, { storedKey }: ScramCredential, covered: string): boolean {
  if (proof.length !== storedKey.length) return false;
  const signature = hmac(storedKey, covered);
  const clientKey = proof.map((byte, at) => byte ^ signature[at]!);
  return timingSafeEqual(sha256(clientKey), storedKey);
}
