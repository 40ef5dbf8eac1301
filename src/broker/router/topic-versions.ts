/** Filters and topics meet in these many buckets: enough that clients with topics of their own rarely disturb others. */
const BUCKETS = 4096;

/** Where a topic's versions stand; computed once for each topic. */
export interface TopicBuckets {
  readonly nameBucket: number;
  readonly rootBucket: number;
}

/**
 * Tells whether the matches found for a topic still hold, without walking the tree: a filter without wildcards can only
 * concern the topic of that name, and one that begins with a plain level only topics that begin with it too.
 */
export class TopicVersions {
  readonly #byName = new Float64Array(BUCKETS);
  readonly #byRoot = new Float64Array(BUCKETS);
  #all = 0;

  /** The subscriptions under this filter have changed. */
  changed(filter: string): void {
    const wildcard = filter.search(/[+#]/);
    const rootEnd = filter.indexOf('/');
    if (wildcard === -1) this.#byName[bucketOf(filter)]! += 1;
    // `sport/#` matches `sport` as well, which has the same first level.
    else if (rootEnd !== -1 && rootEnd < wildcard) this.#byRoot[bucketOf(filter.slice(0, rootEnd))]! += 1;
    else this.#all += 1;
  }

  /** Only grows, and grows with every change that may concern the topic. */
  of(topic: TopicBuckets): number {
    return this.#all + this.#byName[topic.nameBucket]! + this.#byRoot[topic.rootBucket]!;
  }
}

export function bucketsOf(name: string): TopicBuckets {
  const rootEnd = name.indexOf('/');
  return { nameBucket: bucketOf(name), rootBucket: bucketOf(rootEnd === -1 ? name : name.slice(0, rootEnd)) };
}

function bucketOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x9e37_79b1);
    hash ^= hash >>> 15;
  }
  return hash & (BUCKETS - 1);
}
