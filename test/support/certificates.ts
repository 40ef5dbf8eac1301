import './reflect-metadata.ts';

import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** PEM, as files hold it. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
  readonly serialNumber: string;
}

interface IssueOptions {
  /** For a server: the names and addresses clients call it by. */
  readonly names?: JsonGeneralNames;
  /** Valid until so many days from now; negative: it has ended. */
  readonly days?: number;
}

/** A certificate authority of a test's own: no files, no other programs. */
export class TestAuthority {
  readonly certificate: string;
  readonly #issuer: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  #lastSerial = 1;

  private constructor(issuer: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.certificate = issuer.toString('pem');
    this.#issuer = issuer;
    this.#keys = keys;
  }

  static async create(name = 'CN=Test Authority'): Promise<TestAuthority> {
    const keys = await newKeys();
    const issuer = await X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name,
      ...validity(30),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
    return new TestAuthority(issuer, keys);
  }

  /** A certificate and its key; `subject` as in `CN=device-1,O=Example`. */
  async issue(subject: string, { names = [], days = 30 }: IssueOptions = {}): Promise<CertificateAndKey> {
    const keys = await newKeys();
    this.#lastSerial += 1;
    const serialNumber = this.#lastSerial.toString(16).padStart(2, '0');
    const certificate = await X509CertificateGenerator.create({
      serialNumber,
      subject,
      issuer: this.#issuer.subject,
      ...validity(days),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    return { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey), serialNumber };
  }

  /** A certificate for 127.0.0.1 and localhost. */
  issueForServer(subject = 'CN=localhost'): Promise<CertificateAndKey> {
    return this.issue(subject, {
      names: [
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ],
    });
  }

  /** A list of what this authority has revoked. */
  async revoke(...certificates: readonly CertificateAndKey[]): Promise<string> {
    const now = Date.now();
    const list = await X509CrlGenerator.create({
      issuer: this.#issuer.subject,
      thisUpdate: new Date(now - DAY_MS),
      nextUpdate: new Date(now + DAY_MS),
      signingAlgorithm: ALGORITHM,
      signingKey: this.#keys.privateKey,
      entries: certificates.map(({ serialNumber }) => ({ serialNumber, revocationDate: new Date(now - DAY_MS) })),
    });
    // RFC 7468, section 6, names it so, and OpenSSL takes nothing else.
    return list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL');
  }
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 60 * DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}
