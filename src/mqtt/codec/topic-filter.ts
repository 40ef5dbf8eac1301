import { isValidTopicFilter, parseSharedFilter } from '../topic.ts';
import { DecodeFailure } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';

/**
 * A filter of a SUBSCRIBE or UNSUBSCRIBE, as sent. 3.1.1 does not know shared subscriptions: there `$share/x` alone is a
 * filter like others.
 */
export function readTopicFilter(reader: PacketReader): { text: string; shared: boolean } {
  const text = reader.string();
  const parsed = parseSharedFilter(text);
  const plainIn311 = reader.version !== 5 && isValidTopicFilter(text);
  if (parsed.type === 'invalid' && !plainIn311) {
    throw new DecodeFailure('topicFilterInvalid', 'not a topic filter [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.8.2-1]');
  }
  return { text, shared: parsed.type === 'shared' };
}
