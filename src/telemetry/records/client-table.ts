import type { TracedClient } from '../../base/traced-client.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import { RECORD } from './record-kinds.ts';
import type { TextTable } from './text-table.ts';

const CLIENT_WORDS = 4;
export const CLIENT = { port: 1, clientId: 2, address: 3, user: 4, authMethod: 5, session: 3 } as const;

/** Puts clients into the ring, once as long as they are recent there. */
export class ClientTable {
  readonly #writer: RingWriter;
  readonly #texts: TextTable;

  constructor(writer: RingWriter, texts: TextTable) {
    this.#writer = writer;
    this.#texts = texts;
  }

  of(client: TracedClient): number {
    const known = client.tracePosition;
    if (known !== 0 && this.#writer.isRecent(known)) return known | 0;
    return this.#write(client);
  }

  /** A client that is not connected: only who it was is known. */
  absent(clientId: string, sessionNumber: number): number {
    return this.#write({
      clientId,
      sessionNumber,
      remoteAddress: '',
      remotePort: 0,
      userName: '',
      authMethod: '',
      tracePosition: 0,
    });
  }

  #write(client: TracedClient): number {
    const texts = this.#texts;
    const clientId = texts.once(client.clientId) | 0;
    const address = client.remoteAddress === '' ? 0 : texts.of(client.remoteAddress);
    const user = client.userName === '' ? 0 : texts.of(client.userName);
    const authMethod = client.authMethod === '' ? 0 : texts.of(client.authMethod);
    const writer = this.#writer;
    const at = writer.reserve(RECORD.client, CLIENT_WORDS) * 2;
    client.tracePosition = writer.position;
    const { u32, f64 } = writer;
    u32[at + CLIENT.port] = client.remotePort;
    u32[at + CLIENT.clientId] = clientId;
    u32[at + CLIENT.address] = address;
    u32[at + CLIENT.user] = user;
    u32[at + CLIENT.authMethod] = authMethod;
    f64[at / 2 + CLIENT.session] = client.sessionNumber;
    writer.complete(0);
    return client.tracePosition | 0;
  }
}
