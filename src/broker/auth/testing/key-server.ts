import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server with one answer: a key set, a failure, or none at all. */
export class KeyServer implements AsyncDisposable {
  /** Since the answer was last changed. */
  requests = 0;
  readonly #server: Server;
  #answer: { readonly status: number; readonly body: string } | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (_request, response) => {
      this.requests += 1;
      if (this.#answer !== undefined) response.writeHead(this.#answer.status).end(this.#answer.body);
    });
  }

  static async start(): Promise<KeyServer> {
    const server = createServer();
    const started = new KeyServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  answer(body: object): void {
    this.requests = 0;
    this.#answer = { status: 200, body: JSON.stringify(body) };
  }

  fail(): void {
    this.requests = 0;
    this.#answer = { status: 503, body: 'out of order' };
  }

  hang(): void {
    this.requests = 0;
    this.#answer = undefined;
  }

  /** Settles with the next request. */
  async asked(): Promise<void> {
    if (this.requests === 0) await once(this.#server, 'request');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
