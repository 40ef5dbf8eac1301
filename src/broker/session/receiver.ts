import type { TracedClient } from '../../base/traced-client.ts';
import type { CloseReason } from '../connection/close-reason.ts';
import type { TopicAliases } from '../connection/topic-aliases.ts';

/** What a session needs of the connection that currently serves it. */
export interface Receiver extends TracedClient {
  /** 4: MQTT 3.1.1 (and 3.1), 5: MQTT 5.0. */
  readonly version: 4 | 5;
  /** The client's Maximum Packet Size [MQTT-3.1.2-24]; Infinity where it set none. */
  readonly maximumPacketSize: number;
  /** Undefined where the client takes none. */
  readonly aliasesToClient: TopicAliases | undefined;
  /** Whether the client wants refusals explained in words [MQTT-3.1.2-29]. */
  readonly wantsReasons: boolean;
  /** True while QoS 1 and 2 pushes should wait: the socket has not taken what it was given. */
  readonly saturated: boolean;
  readonly closed: boolean;
  /** Room for `size` bytes of output; see Outbox.reserve. `output` then holds the buffer. */
  reserve(size: number): number;
  readonly output: Uint8Array;
  /** False when so much waits for the socket that a QoS 0 message of `size` bytes must be dropped. */
  hasRoomFor(size: number): boolean;
  close(reason: CloseReason): void;
}
