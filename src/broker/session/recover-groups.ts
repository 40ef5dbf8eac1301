import type { ShardPosition } from '../router/subscription.ts';
import { placeOf } from './session.ts';

/** A message that a shared group gave to one of its members. */
interface Given {
  readonly shard: number;
  readonly offset: number;
  readonly qos: number;
  readonly session: number;
  isAcknowledged: boolean;
}

interface RecoveringGroup {
  /** Behind the last message given to a member, by shard. */
  readonly positions: Map<number, number>;
  /** By place in the log; a message given once more is its last member's. */
  readonly given: Map<string, Given>;
}

/**
 * What the log of session events says of shared groups since their checkpoint: how far they have got, and what came back
 * to them because its member's session ended.
 */
export class GroupRecovery {
  readonly #groups = new Map<number, RecoveringGroup>();
  readonly #byPacketId = new Map<string, Given>();

  sent(session: number, packetId: number, qos: number, shard: number, offset: number, group: number): void {
    const given: Given = { shard, offset, qos, session, isAcknowledged: false };
    const { positions, given: all } = this.#groupOf(group);
    positions.set(shard, Math.max(positions.get(shard) ?? 0, offset + 1));
    all.set(placeOf(shard, offset), given);
    this.#byPacketId.set(`${session}/${packetId}`, given);
  }

  acknowledged(session: number, packetId: number): void {
    const given = this.#byPacketId.get(`${session}/${packetId}`);
    if (given !== undefined) given.isAcknowledged = true;
  }

  /** Where the group reads on in a shard, from where its checkpoint left it. */
  positionOf(group: number, shard: number, checkpointed: number): number {
    return Math.max(checkpointed, this.#groups.get(group)?.positions.get(shard) ?? 0);
  }

  /**
   * What no member has, though it was given to one: what the checkpoint says, without that which a living session got
   * since, and what sessions left behind that have ended. A QoS 2 message goes to no second member [MQTT-4.8.2-5].
   */
  returnedOf(
    group: number,
    checkpointed: readonly ShardPosition[],
    isAlive: (session: number) => boolean,
  ): ShardPosition[] {
    const given = this.#groups.get(group)?.given ?? new Map<string, Given>();
    const isBack = ({ session, qos, isAcknowledged }: Given): boolean =>
      qos === 1 && !isAcknowledged && !isAlive(session);
    const stillBack = checkpointed.filter(([shard, offset]) => !given.has(placeOf(shard, offset)));
    const backSince = [...given.values()].filter(isBack).map(({ shard, offset }): ShardPosition => [shard, offset]);
    return [...stillBack, ...backSince].sort(([, left], [, right]) => left - right);
  }

  #groupOf(number: number): RecoveringGroup {
    let group = this.#groups.get(number);
    if (group === undefined) {
      group = { positions: new Map(), given: new Map() };
      this.#groups.set(number, group);
    }
    return group;
  }
}
