import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The client's side of SCRAM-SHA-256 (RFC 5802), written apart from the server's. */
export class ScramClient {
  readonly nonce: string;
  readonly #user: string;
  readonly #password: string;
  readonly #header: string;
  #expected = '';

  constructor(
    user: string,
    password: string,
    { header = 'n,,', nonce = randomBytes(12).toString('hex') }: { header?: string; nonce?: string } = {},
  ) {
    this.#user = user;
    this.#password = password;
    this.#header = header;
    this.nonce = nonce;
  }

  get #bare(): string {
    return `n=${this.#user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.nonce}`;
  }

  get first(): Buffer {
    return Buffer.from(this.#header + this.#bare);
  }

  /** The answer to the server's first message, with its nonce or another. */
  final(serverFirst: Uint8Array, otherNonce?: string): Buffer {
    const said = Buffer.from(serverFirst).toString();
    const { r, s: salt, i: iterations } = fieldsOf(said);
    const nonce = otherNonce ?? r;
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=${Buffer.from(this.#header).toString('base64')},r=${nonce}`;
    const covered = `${this.#bare},${said},${withoutProof}`;
    const signature = hmac(createHash('sha256').update(clientKey).digest(), covered);
    this.#expected = hmac(hmac(salted, 'Server Key'), covered).toString('base64');
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!));
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
  }

  /** Whether the server has proved that it knows the user too. */
  trusts(serverFinal: Uint8Array | undefined): boolean {
    return Buffer.from(serverFinal ?? []).toString() === `v=${this.#expected}`;
  }
}

function fieldsOf(message: string): Record<string, string> {
  return Object.fromEntries(message.split(',').map((field) => [field.slice(0, 1), field.slice(2)]));
}
