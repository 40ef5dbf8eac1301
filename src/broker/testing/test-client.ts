import type { TokenBucket } from '../../base/token-bucket.ts';
import { configSchema, type ListenerConfig } from '../../config/schema.ts';
import type { Packet, PublishPacket } from '../../mqtt/packets.ts';
import { headMemory } from '../../telemetry/sampling/trace-head.ts';
import type { CloseReason } from '../connection/close-reason.ts';
import type { TopicAliases } from '../connection/topic-aliases.ts';
import type { TracedPublisher } from '../handlers/publish-trace.ts';
import type { ServedClient } from '../handlers/served-client.ts';
import type { Session } from '../session/session.ts';
import type { ConnectionEnd } from '../session/will.ts';
import { packetsIn } from './packet-stream.ts';

const [LISTENER] = configSchema.parse({}).listeners as [ListenerConfig];

/** A client without a socket: keeps what it is sent, and takes as much as the test wants. */
export class TestClient implements ServedClient, TracedPublisher {
  readonly version: 4 | 5;
  maximumPacketSize = Number.POSITIVE_INFINITY;
  wantsReasons = true;
  aliasesToClient: TopicAliases | undefined;
  mountPoint = '';
  /** Set by the test: its socket takes no more QoS 1 and 2, and no more at all. */
  saturated = false;
  full = false;
  session: Session | undefined;
  principal = { clientId: '', username: undefined, address: '127.0.0.1' };
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 50_000;
  readonly userName = '';
  authMethod = 'anonymous';
  readonly listener = LISTENER;
  readonly lastDecision = { allowed: true, rule: 'default' };
  readonly lastRule = { tracePosition: 0 };
  readonly lastHead = headMemory();
  forcedShare: TokenBucket | undefined;
  tracePosition = 0;
  connectionEnd: ConnectionEnd = { type: 'lost' };
  inboundPending = 0;
  closeReason: CloseReason | undefined;
  output: Buffer = Buffer.alloc(0);
  readonly #onClose: (client: TestClient, reason: CloseReason) => void;
  #chunks: Buffer[] = [];

  constructor(version: 4 | 5 = 5, onClose: (client: TestClient, reason: CloseReason) => void = () => undefined) {
    this.version = version;
    this.#onClose = onClose;
  }

  get clientId(): string {
    return this.session?.clientId ?? '';
  }

  get sessionNumber(): number {
    return this.session?.number ?? 0;
  }

  get closed(): boolean {
    return this.closeReason !== undefined;
  }

  reserve(size: number): number {
    this.output = Buffer.alloc(size);
    this.#chunks.push(this.output);
    return 0;
  }

  hasRoomFor(): boolean {
    return !this.full;
  }

  close(reason: CloseReason): void {
    if (this.closed) return;
    this.closeReason = reason;
    this.#onClose(this, reason);
  }

  /** What came since the last call. */
  take(): Packet[] {
    const packets = packetsIn(Buffer.concat(this.#chunks), this.version);
    this.#chunks = [];
    return packets;
  }

  /** Of what came since the last call, the messages. */
  takeMessages(): PublishPacket[] {
    return this.take().filter((packet) => packet.type === 'publish');
  }
}
