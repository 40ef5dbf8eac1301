import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.ts';

const SLOW_MS = 2_000;
const STATUS = { refusing: 503, rejecting: 400 } as const;

/**
 * A collector over HTTP that has a fault until it is told to recover, and then hands everything on to one that has none.
 * What it had not answered by then it forgets, as a program does that is started again.
 */
export class FaultyFront {
  readonly #fault: Fault;
  readonly #sinkPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isWell = true;
  #port = 0;

  private constructor(fault: Fault, sinkPort: number) {
    this.#fault = fault;
    this.#sinkPort = sinkPort;
    this.#server = createServer((request, response) => {
      // Whoever goes away before the answer is nobody to answer.
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  static async start(fault: Fault, sinkPort: number): Promise<FaultyFront> {
    const front = new FaultyFront(fault, sinkPort);
    await front.#listen();
    return front;
  }

  get port(): number {
    return this.#port;
  }

  async misbehave(): Promise<void> {
    this.#isWell = false;
    this.#cut();
    if (this.#fault === 'dead') await this.close();
  }

  async recover(): Promise<void> {
    this.#isWell = true;
    // What a slow one has begun, it ends.
    if (this.#fault !== 'slow') this.#cut();
    if (!this.#server.listening) await this.#listen();
  }

  async close(): Promise<void> {
    this.#cut();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (!this.#isWell && this.#fault === 'resetting') {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#isWell ? undefined : this.#fault;
    const body = await buffer(request);
    switch (fault) {
      case 'hanging':
      case 'dead':
      case 'resetting':
        return;
      case 'refusing':
      case 'rejecting':
        response.writeHead(STATUS[fault]).end();
        return;
      case 'slow':
        await sleep(SLOW_MS);
    }
    if (!response.destroyed) await this.#handOn(request, body, response);
  }

  async #handOn({ url }: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const headers = { 'content-type': 'application/x-protobuf' };
    const target = `http://127.0.0.1:${this.#sinkPort}${url}`;
    const answer = await fetch(target, { method: 'POST', headers, body: new Uint8Array(body) });
    response.writeHead(answer.status, headers).end(await answer.bytes());
  }
}
