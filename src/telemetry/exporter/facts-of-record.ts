import { emptyFacts, type UnitFacts } from '../records/expand/expansion.ts';
import { type RecordSource, stringOf } from '../records/expand/record-source.ts';
import { TRACE_PACKETS, type TraceFacts, type TracePacket } from '../sampling/trace-facts.ts';

const MAX_TOPICS = 65_536;

const PACKET_OF_OPERATION = new Map<string, number>(
  (
    [
      ['publish', 'publish'],
      ['push', 'delivery'],
      ['mqtt/connect', 'connect'],
      ['mqtt/subscribe', 'subscribe'],
      ['mqtt/unsubscribe', 'unsubscribe'],
      ['mqtt/pingreq', 'pingreq'],
      ['mqtt/disconnect', 'disconnect'],
      ['mqtt/auth', 'auth'],
      ['will/publish', 'will'],
    ] satisfies [string, TracePacket][]
  ).map(([operation, packet]) => [operation, TRACE_PACKETS.indexOf(packet)]),
);
const OTHER = TRACE_PACKETS.indexOf('other');

/** What a record says, as the policy asks for it. Reused for every record. */
export class FactsOfRecord implements TraceFacts {
  packet = OTHER;
  traces = 1;
  headSampled = false;
  forced = false;
  failed = false;
  dropped = false;
  redeliveries = 0;
  durationMs = 0;
  topicKey = -1;
  readonly #source: RecordSource;
  #facts: UnitFacts = emptyFacts();
  #trace: Uint32Array | undefined;
  /** A topic is written again from time to time: by reference, and what is the same for all of them. */
  readonly #keys = new Map<number, number>();
  readonly #keysByName = new Map<string, number>();
  #nextKey = 0;
  /** What was asked for last is asked for again by the rest of a batch. */
  #lastTopic = 0;
  #lastKey = -1;
  #lastOperation = '';
  #lastPacket = OTHER;

  constructor(source: RecordSource) {
    this.#source = source;
  }

  /** `trace`: words of its id, where the record is one of several. */
  fill(facts: UnitFacts, traces: number, trace: Uint32Array | undefined): this {
    this.#trace = trace;
    this.packet = this.#packetOf(facts.operation);
    this.traces = traces;
    this.headSampled = facts.head && !facts.forced;
    this.forced = facts.forced;
    this.failed = facts.failed;
    this.dropped = facts.dropped;
    this.redeliveries = facts.redeliveries;
    this.durationMs = facts.endedAt - facts.startedAt;
    this.topicKey = facts.topic === 0 ? -1 : this.#keyOf(facts.topic);
    this.#facts = facts;
    return this;
  }

  traceId(): string | undefined {
    return this.#trace?.join();
  }

  clientId(): string {
    const { client, clientId } = this.#facts;
    return client === 0 ? this.#source.string(clientId) : this.#source.idOf(client);
  }

  topic(): string {
    return this.#source.string(this.#facts.topic);
  }

  user(): string {
    const { client, user } = this.#facts;
    return client === 0 ? this.#source.string(user) : stringOf(this.#source.client(client).user);
  }

  address(): string {
    const { client, address } = this.#facts;
    return client === 0 ? this.#source.string(address) : stringOf(this.#source.client(client).address);
  }

  #packetOf(operation: string): number {
    if (operation !== this.#lastOperation) {
      this.#lastOperation = operation;
      this.#lastPacket = PACKET_OF_OPERATION.get(operation) ?? OTHER;
    }
    return this.#lastPacket;
  }

  #keyOf(reference: number): number {
    if (reference !== this.#lastTopic) {
      this.#lastTopic = reference;
      this.#lastKey = this.#keys.get(reference) ?? this.#newKey(reference);
    }
    return this.#lastKey;
  }

  #newKey(reference: number): number {
    const name = this.#source.string(reference);
    let key = this.#keysByName.get(name);
    if (key === undefined) {
      if (this.#keysByName.size >= MAX_TOPICS) this.#keysByName.clear();
      key = this.#nextKey;
      this.#nextKey += 1;
      this.#keysByName.set(name, key);
    }
    if (this.#keys.size >= MAX_TOPICS) this.#keys.clear();
    this.#keys.set(reference, key);
    return key;
  }
}
