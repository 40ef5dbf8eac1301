import assert from 'node:assert/strict';
import { encodedSize } from '../../../src/mqtt/codec/encode-packet.ts';
import type { RawClient } from '../../support/raw-client.ts';
import type { Conformance } from './conformance.ts';
import { nextOrEnd } from './exchange.ts';

const ANSWERS = ['puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback', 'disconnect'] as const;
/** Beyond any answer with words; the steps are those over which the words must come and go. */
const [STEPS, STEP_BYTES] = [35, 4];

/**
 * Asks over and over, each time on a connection with a larger Maximum Packet Size, from little more than its CONNACK
 * needs: an answer with a reason string or user properties must fit [MQTT-3.4.2-2]. Returns how many had any.
 */
export async function wordedAnswers(
  { connect, unique }: Conformance,
  answer: (typeof ANSWERS)[number],
  ask: (client: RawClient) => void,
): Promise<number> {
  await using first = await connect({ clientId: unique(), properties: { maximumPacketSize: 1000 } });
  const least = encodedSize(first.connack, 5) + STEP_BYTES;
  let worded = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const maximumPacketSize = least + step * STEP_BYTES;
    await using client = await connect({ clientId: unique(), properties: { maximumPacketSize } });
    ask(client);
    // What cannot be answered within the limit is not.
    client.send({ type: 'pingreq' });
    const packet = await nextOrEnd(client);
    if (packet?.type !== answer) continue;
    if (packet.properties.reasonString === undefined && packet.properties.userProperties === undefined) continue;
    worded += 1;
    assert(encodedSize(packet, 5) <= maximumPacketSize, `${encodedSize(packet, 5)} > ${maximumPacketSize}`);
  }
  return worded;
}

/** A SUBSCRIBE of one filter, which is asked for no retained messages. */
export function sendSubscribe(client: RawClient, filter: string): void {
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
  client.send({ type: 'subscribe', packetId: 1, subscriptions: [{ filter, ...options }], properties: {} });
}
