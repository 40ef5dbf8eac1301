import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TopicAliases } from './topic-aliases.ts';

interface Packet {
  /** Empty where the alias stands for it. */
  readonly topic: string;
  readonly alias: number;
  readonly meant: string;
}

/** One connection, and what it has sent. */
class Wire {
  readonly aliases: TopicAliases;
  readonly sent: Packet[] = [];

  constructor(maximum: number) {
    this.aliases = new TopicAliases(maximum);
  }

  send(topic: string): void {
    this.sent.push(this.#packet(topic));
    this.aliases.sent();
  }

  /** The packet was not sent after all. */
  drop(topic: string): void {
    this.#packet(topic);
  }

  #packet(meant: string): Packet {
    this.aliases.find(meant);
    const { alias, isKnown } = this.aliases;
    return { topic: isKnown ? '' : meant, alias, meant };
  }
}

/** What a client makes of the packets; undefined: it must refuse one. */
function understood(packets: readonly Packet[], maximum: number): (string | undefined)[] {
  const known = new Map<number, string>();
  return packets.map(({ topic, alias }) => {
    if (alias > maximum || (topic === '' && alias === 0)) return undefined;
    if (topic !== '' && alias !== 0) known.set(alias, topic);
    return topic === '' ? known.get(alias) : topic;
  });
}

describe('topic aliases towards a client', () => {
  it('are given with the first message of a topic and kept; when all are given, topics go by name', () => {
    const wire = new Wire(2);
    for (const topic of ['a', 'b', 'c', 'a', 'b', 'c']) wire.send(topic);
    assert.deepEqual(
      wire.sent.map(({ topic, alias }) => [topic, alias]),
      [
        ['a', 1],
        ['b', 2],
        ['c', 0],
        ['', 1],
        ['', 2],
        ['c', 0],
      ],
    );
  });

  it('are not given by a packet that was dropped', () => {
    const wire = new Wire(1);
    wire.drop('a');
    wire.send('b');
    wire.send('b');
    assert.deepEqual(
      wire.sent.map(({ topic, alias }) => [topic, alias]),
      [
        ['b', 1],
        ['', 1],
      ],
    );
  });

  it('are always understood, whatever is sent or dropped [MQTT-3.1.2-26]', () => {
    const topic = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const step = fc.tuple(fc.constantFrom('send' as const, 'drop' as const), topic);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (maximum, steps) => {
        const wire = new Wire(maximum);
        for (const [action, name] of steps) wire[action](name);
        const meant = wire.sent.map((packet) => packet.meant);
        assert.deepEqual(understood(wire.sent, maximum), meant);
        // And every topic that was sent twice, while there were aliases left, goes by its alias alone.
        if (maximum < 5) return;
        for (const name of new Set(meant)) {
          wire.send(name);
          wire.send(name);
          assert.equal(wire.sent.at(-1)!.topic, '');
        }
      }),
    );
  });
});
