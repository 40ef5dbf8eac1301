import { type CertificateAndKey, TestAuthority } from './certificates.ts';
import { TestDirectory } from './test-settings.ts';
import type { TransportName } from './transports.ts';

type ClientCertificates = 'none' | 'optional' | 'required';

/** The certificate files of a broker: one authority for the server and for clients. */
export class TlsFiles implements AsyncDisposable {
  readonly authority: TestAuthority;
  readonly #directory: TestDirectory;

  private constructor(authority: TestAuthority, directory: TestDirectory) {
    this.authority = authority;
    this.#directory = directory;
  }

  static async create(): Promise<TlsFiles> {
    const files = new TlsFiles(await TestAuthority.create(), await TestDirectory.create());
    files.#directory.write('ca.crt', files.authority.certificate);
    await files.renewServer();
    await files.revoke();
    return files;
  }

  /** A listener for each transport, named by it, in TOML. */
  listeners(transports: readonly TransportName[], clientCertificates: ClientCertificates = 'none'): string {
    return transports
      .map((transport) => {
        const table = `[[listeners]]\nname = "${transport}"\ntransport = "${transport}"\nport = 0\n`;
        return transport === 'tls' || transport === 'wss' ? table + this.#table(clientCertificates) : table;
      })
      .join('\n');
  }

  #table(clientCertificates: ClientCertificates): string {
    const files = { certificate_file: 'server.crt', key_file: 'server.key' };
    const clientFiles = clientCertificates === 'none' ? {} : { client_ca_file: 'ca.crt', crl_file: 'clients.crl' };
    const lines = Object.entries({ ...files, ...clientFiles }).map(([key, name]) => `${key} = "${this.path(name)}"`);
    return ['[listeners.tls]', `client_certificates = "${clientCertificates}"`, ...lines, ''].join('\n');
  }

  path(name: string): string {
    return `${this.#directory.path}/${name}`;
  }

  write(name: string, text: string): string {
    return this.#directory.write(name, text);
  }

  /** Another certificate for the server. */
  async renewServer(subject?: string): Promise<void> {
    const { certificate, key } = await this.authority.issueForServer(subject);
    this.write('server.crt', certificate);
    this.write('server.key', key);
  }

  /** Another revocation list. */
  async revoke(...certificates: readonly CertificateAndKey[]): Promise<void> {
    this.write('clients.crl', await this.authority.revoke(...certificates));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#directory[Symbol.asyncDispose]();
  }
}
