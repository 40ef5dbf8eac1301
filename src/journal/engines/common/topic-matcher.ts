import { type LevelNode, LevelTree } from '../../../mqtt/level-tree.ts';
import { RECORD_HEADER_BYTES, RecordKind } from '../../record-batch.ts';

const MAX_REMEMBERED_TOPICS = 1024;
const MAX_MATCHERS = 64;
const KIND_AT = 4;
const TOPIC_LENGTH_AT = 46;

/** A set of topic filters with the answers it has already given. */
export class TopicMatcher {
  /** Equal for equal filter lists: what results computed elsewhere are remembered under. */
  readonly key: string;
  readonly #filters = new LevelTree<true>();
  /** Reused; empty between calls. */
  readonly #found: LevelNode<true>[] = [];
  readonly #answers = new Map<string, boolean>();

  constructor(filters: readonly string[], key: string) {
    for (const filter of filters) this.#filters.ensure(filter).value = true;
    this.key = key;
  }

  matches(topic: string): boolean {
    const known = this.#answers.get(topic);
    if (known !== undefined) return known;
    this.#filters.covering(topic, this.#found);
    const answer = this.#found.length > 0;
    this.#found.length = 0;
    if (this.#answers.size >= MAX_REMEMBERED_TOPICS) this.#answers.clear();
    this.#answers.set(topic, answer);
    return answer;
  }

  /** Records that are not messages have no topic and match no filter, not even `#`. */
  matchesRecord(buffer: Buffer, position: number): boolean {
    if (buffer[position + KIND_AT] !== RecordKind.message) return false;
    const start = position + RECORD_HEADER_BYTES;
    return this.matches(buffer.toString('utf8', start, start + buffer.readUInt16LE(position + TOPIC_LENGTH_AT)));
  }
}

/** The matchers used last: sessions that catch up ask with the same filters again and again. */
export class TopicMatchers {
  readonly #matchers = new Map<string, TopicMatcher>();

  for(filters: readonly string[] | undefined): TopicMatcher | undefined {
    if (filters === undefined) return undefined;
    // U+0000 cannot occur in a filter [MQTT-4.7.3-2].
    const key = filters.join('\0');
    const matcher = this.#matchers.get(key) ?? new TopicMatcher(filters, key);
    this.#matchers.delete(key);
    this.#matchers.set(key, matcher);
    if (this.#matchers.size > MAX_MATCHERS) this.#matchers.delete(this.#matchers.keys().next().value!);
    return matcher;
  }
}
