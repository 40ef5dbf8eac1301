import { ownBlock, type RecordBlock, type RingReader } from '../../ring/ring-reader.ts';
import { CLIENT } from '../client-table.ts';
import { RECORD } from '../record-kinds.ts';
import type { TextSlice } from '../span-visitor.ts';

const MAX_CACHED_TEXTS = 16_384;
const MAX_CACHED_CLIENTS = 16_384;
const KIND_MASK = 0xff;
/** References that were asked for last are asked for again, by the next message of the batch. */
const FRONT_ENTRIES = 256;
/** Stands for a text that was written over before it was asked for. */
export const LOST = slice('(overwritten)');
export const EMPTY_TEXT = slice('');

/** What a CLIENT record says. Texts may be empty where the client has none. */
export interface ClientFacts {
  readonly clientId: TextSlice;
  readonly address: TextSlice;
  readonly user: TextSlice;
  readonly authMethod: TextSlice;
  readonly sessionId: TextSlice;
  readonly port: number;
}

/** The ring tells positions apart over 2^32 words: what was copied is kept for half as long. */
const KEPT_WORDS = 2 ** 31;

const NO_CLIENT: ClientFacts = {
  clientId: EMPTY_TEXT,
  address: EMPTY_TEXT,
  user: EMPTY_TEXT,
  authMethod: EMPTY_TEXT,
  sessionId: EMPTY_TEXT,
  port: 0,
};
const LOST_CLIENT: ClientFacts = { ...NO_CLIENT, clientId: LOST };

export function slice(text: string): TextSlice {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length };
}

/** The value of each reference that was set last among those that share its place; 0 is no reference. */
class FrontCache<Value> {
  readonly #references = new Int32Array(FRONT_ENTRIES);
  readonly #values: Value[];

  constructor(nothing: Value) {
    this.#values = new Array<Value>(FRONT_ENTRIES).fill(nothing);
  }

  has(reference: number): boolean {
    return this.#references[reference & (FRONT_ENTRIES - 1)] === (reference | 0);
  }

  /** `has` was asked. */
  get(reference: number): Value {
    return this.#values[reference & (FRONT_ENTRIES - 1)]!;
  }

  set(reference: number, value: Value): void {
    this.#references[reference & (FRONT_ENTRIES - 1)] = reference;
    this.#values[reference & (FRONT_ENTRIES - 1)] = value;
  }

  clear(): void {
    this.#references.fill(0);
  }
}

/** Resolves what records refer to: texts and clients, each copied out of the ring once. */
export class RecordSource {
  readonly #reader: RingReader;
  readonly #texts = new Map<number, TextSlice>();
  readonly #clients = new Map<number, ClientFacts>();
  readonly #frontText = new FrontCache<TextSlice>(EMPTY_TEXT);
  readonly #frontClient = new FrontCache<ClientFacts>(NO_CLIENT);
  #keptSince = 0;

  constructor(reader: RingReader) {
    this.#reader = reader;
  }

  text(reference: number): TextSlice {
    if (reference === 0) return EMPTY_TEXT;
    this.#forgetOld();
    const front = this.#frontText;
    if (front.has(reference)) return front.get(reference);
    const text = this.#texts.get(reference) ?? this.#readText(reference);
    // What was written over is not asked for often, and may be another's reference later.
    if (text !== LOST) front.set(reference, text);
    return text;
  }

  #readText(reference: number): TextSlice {
    const block = this.#copy(reference, RECORD.text);
    if (block === undefined) return LOST;
    const length = block.u32[1]!;
    const text = { bytes: block.u8.slice(8, 8 + length), start: 0, end: length };
    if (this.#texts.size >= MAX_CACHED_TEXTS) this.#texts.clear();
    this.#texts.set(reference, text);
    return text;
  }

  string(reference: number): string {
    return stringOf(this.text(reference));
  }

  client(reference: number): ClientFacts {
    if (reference === 0) return NO_CLIENT;
    this.#forgetOld();
    const front = this.#frontClient;
    if (front.has(reference)) return front.get(reference);
    const client = this.#clients.get(reference) ?? this.#readClient(reference);
    if (client !== LOST_CLIENT) front.set(reference, client);
    return client;
  }

  #readClient(reference: number): ClientFacts {
    const block = this.#copy(reference, RECORD.client);
    if (block === undefined) return LOST_CLIENT;
    const { u32: halves, f64 } = ownBlock(block);
    const client = {
      clientId: this.text(halves[CLIENT.clientId]!),
      address: this.text(halves[CLIENT.address]!),
      user: this.text(halves[CLIENT.user]!),
      authMethod: this.text(halves[CLIENT.authMethod]!),
      sessionId: slice(String(f64[CLIENT.session]!)),
      port: halves[CLIENT.port]!,
    };
    if (this.#clients.size >= MAX_CACHED_CLIENTS) this.#clients.clear();
    this.#clients.set(reference, client);
    return client;
  }

  /** Client id of a client reference; empty where it is not known. */
  idOf(reference: number): string {
    return stringOf(this.client(reference).clientId);
  }

  /** A copy of an EXTRA record; undefined where there is none any more. */
  extra(reference: number): RecordBlock | undefined {
    const block = reference === 0 ? undefined : this.#copy(reference, RECORD.extra);
    // A copy of its own: its texts are copied out of the ring while it is read.
    return block === undefined ? undefined : ownBlock(block);
  }

  /** A reference may stand for another record by now. */
  #forgetOld(): void {
    const { position } = this.#reader;
    if (position - this.#keptSince < KEPT_WORDS) return;
    this.#keptSince = position;
    this.#texts.clear();
    this.#clients.clear();
    this.#frontText.clear();
    this.#frontClient.clear();
  }

  #copy(reference: number, kind: number): RecordBlock | undefined {
    if (!this.#reader.copy(this.#reader.positionOf(reference))) return undefined;
    const { copied } = this.#reader;
    return (copied.u32[0]! & KIND_MASK) === kind ? copied : undefined;
  }
}

export function stringOf({ bytes, start, end }: TextSlice): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
