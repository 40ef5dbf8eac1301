/** Who publishes what, and who subscribes to it. */
export interface Topology {
  /** For each publisher, its topics. */
  readonly publishers: readonly (readonly string[])[];
  /** For each subscriber, its filter. */
  readonly subscribers: readonly string[];
  /** How many subscribers each topic reaches. */
  readonly subscribersPerTopic: number;
}

export function pairs(root: string, count: number): Topology {
  const topics = numbered(count, (index) => `${root}/${index}`);
  return { publishers: topics.map((topic) => [topic]), subscribers: topics, subscribersPerTopic: 1 };
}

export function fanIn(topic: string, publishers: number): Topology {
  return { publishers: numbered(publishers, () => [topic]), subscribers: [topic], subscribersPerTopic: 1 };
}

export function fanOut(topic: string, subscribers: number): Topology {
  return {
    publishers: [[topic]],
    subscribers: numbered(subscribers, () => topic),
    subscribersPerTopic: subscribers,
  };
}

/** Publishers with so many topics each, and one subscriber that gets all of them by a wildcard. */
export function wildcard(root: string, publishers: number, topicsEach: number): Topology {
  return {
    publishers: numbered(publishers, (index) => numbered(topicsEach, (topic) => `${root}/${index}/${topic}`)),
    subscribers: [`${root}/+/+`],
    subscribersPerTopic: 1,
  };
}

function numbered<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
