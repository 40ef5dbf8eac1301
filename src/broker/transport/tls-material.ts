import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError, type Problem, showValue } from '../../config/config-error.ts';
import type { Config, ListenerConfig } from '../../config/schema.ts';

/** What the certificate files of a listener hold: PEM, read and checked. */
export interface TlsMaterial {
  /** The server's certificate and the chain behind it. */
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthorities: readonly string[];
  readonly revocations: readonly string[];
}

type FileKey = 'certificateFile' | 'keyFile' | 'clientCaFile' | 'crlFile';

const FILE_KEYS: Readonly<Record<FileKey, string>> = {
  certificateFile: 'certificate_file',
  keyFile: 'key_file',
  clientCaFile: 'client_ca_file',
  crlFile: 'crl_file',
};
const CERTIFICATES = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END \1CERTIFICATE-----/g;
const REVOCATION_LISTS = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g;

/** Whether a listener speaks TLS. */
export const hasTls = ({ transport }: Pick<ListenerConfig, 'transport'>): boolean =>
  transport === 'tls' || transport === 'wss';

/**
 * What the certificate files of all listeners hold, by name of the listener. Rejects with a ConfigError that names every
 * file that cannot be used; nothing has been changed by then.
 */
export async function readTlsMaterials({ listeners }: Config): Promise<ReadonlyMap<string, TlsMaterial>> {
  const problems: Problem[] = [];
  const materials = new Map<string, TlsMaterial>();
  for (const [index, listener] of listeners.entries()) {
    if (!hasTls(listener)) continue;
    const material = await new MaterialReader(index, listener.tls, problems).read();
    if (material !== undefined) materials.set(listener.name, material);
  }
  if (problems.length > 0) throw new ConfigError('invalid', 'Certificates cannot be used:', problems);
  return materials;
}

/** When the server's certificate stops being valid. */
export const expiryOf = ({ certificate }: TlsMaterial): Date => new X509Certificate(certificate).validToDate;

/** What decides whom a server trusts and what it speaks. Throws where the material does not fit. */
export function secureContextOptions(tls: ListenerConfig['tls'], material: TlsMaterial): SecureContextOptions {
  return {
    cert: material.certificate,
    key: material.key,
    ...(material.clientAuthorities.length > 0 && { ca: [...material.clientAuthorities] }),
    ...(material.revocations.length > 0 && { crl: [...material.revocations] }),
    minVersion: `TLSv${tls.minimumVersion}`,
    // A client that asks for a new handshake again and again would cost much and gain nothing.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

class MaterialReader {
  readonly #index: number;
  readonly #tls: ListenerConfig['tls'];
  readonly #problems: Problem[];

  constructor(index: number, tls: ListenerConfig['tls'], problems: Problem[]) {
    this.#index = index;
    this.#tls = tls;
    this.#problems = problems;
  }

  async read(): Promise<TlsMaterial | undefined> {
    const before = this.#problems.length;
    const certificate = await this.#readFile('certificateFile');
    const key = await this.#readFile('keyFile');
    const clientAuthorities = this.#blocks('clientCaFile', CERTIFICATES, await this.#readFile('clientCaFile'));
    const revocations = this.#blocks('crlFile', REVOCATION_LISTS, await this.#readFile('crlFile'));
    if (certificate === undefined || key === undefined || this.#problems.length > before) return undefined;
    const material: TlsMaterial = { certificate, key, clientAuthorities, revocations };
    this.#check(material);
    return material;
  }

  async #readFile(key: FileKey): Promise<string | undefined> {
    const file = this.#tls[key];
    if (file === undefined) return undefined;
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      this.#refuse(key, `cannot be read: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** A file may hold several, and Node takes one revocation list at a time. */
  #blocks(key: 'clientCaFile' | 'crlFile', pattern: RegExp, text: string | undefined): readonly string[] {
    if (text === undefined) return [];
    const blocks = text.match(pattern) ?? [];
    const kind = key === 'crlFile' ? 'X509 CRL' : 'CERTIFICATE';
    if (blocks.length === 0) this.#refuse(key, `must be a PEM file with at least one ${kind} in it`);
    return blocks;
  }

  /** One after the other, so that the file that is wrong is the one that is named. */
  #check(material: TlsMaterial): void {
    const before = this.#problems.length;
    const { certificate, key, clientAuthorities, revocations } = material;
    const server = this.#try('certificateFile', 'must be a PEM file with the certificate of the server', () => {
      return new X509Certificate(certificate);
    });
    const privateKey = this.#try('keyFile', 'must be a PEM file with a private key without passphrase', () =>
      createPrivateKey(key),
    );
    this.#try('clientCaFile', 'must be a PEM file with certificates', () =>
      clientAuthorities.map((authority) => new X509Certificate(authority)),
    );
    this.#try('crlFile', 'must be a PEM file with certificate revocation lists', () =>
      createSecureContext({ crl: [...revocations] }),
    );
    if (server === undefined || privateKey === undefined || this.#problems.length > before) return;
    if (!server.checkPrivateKey(privateKey)) {
      this.#refuse('keyFile', `must be the key of the certificate in ${showValue(this.#tls.certificateFile)}`);
      return;
    }
    this.#try('certificateFile', 'must be a certificate and key that TLS takes', () =>
      createSecureContext(secureContextOptions(this.#tls, material)),
    );
  }

  #try<Value>(key: FileKey, allowed: string, make: () => Value): Value | undefined {
    try {
      return make();
    } catch (error) {
      this.#refuse(key, `${allowed} (${(error as Error).message})`);
      return undefined;
    }
  }

  #refuse(fileKey: FileKey, why: string): void {
    const key = `listeners.${this.#index}.tls.${FILE_KEYS[fileKey]}`;
    this.#problems.push({ key, sentence: `${key} = ${showValue(this.#tls[fileKey])}: ${why}` });
  }
}
