/**
 * The topic aliases that the broker has given one client, for one connection (MQTT 5 section 3.3.2.3.4). Topics get them
 * in the order in which they are first sent, and keep them: when all are given, further topics go out by name.
 *
 * `find` leaves what it found in the fields below; `sent` then says that the packet went out. One that was dropped gives
 * no alias.
 */
export class TopicAliases {
  /** 0: the topic has none, and there is none left. */
  alias = 0;
  /** The client has been told what the alias means: the topic itself may be left out. */
  isKnown = false;
  readonly #maximum: number;
  readonly #byTopic = new Map<string, number>();
  #topic = '';

  /** `maximum`: no alias is greater [MQTT-3.1.2-26]. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  find(topic: string): void {
    const given = this.#byTopic.get(topic);
    this.#topic = topic;
    this.isKnown = given !== undefined;
    this.alias = given ?? (this.#byTopic.size < this.#maximum ? this.#byTopic.size + 1 : 0);
  }

  /** The packet goes out by its topic's name alone. */
  forgo(): void {
    this.alias = 0;
    this.isKnown = false;
  }

  /** The packet with what `find` found stands in the connection's output. */
  sent(): void {
    if (this.alias !== 0 && !this.isKnown) this.#byTopic.set(this.#topic, this.alias);
  }
}
