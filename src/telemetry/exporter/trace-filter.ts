import { addressBlock } from '../../base/address-block.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import { ATTRIBUTES, type AttributeDefinition } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { namePattern } from '../sampling/name-pattern.ts';

/** Which traces somebody wants to see. Plain data, which goes to the exporter's thread as it is. */
export interface TraceFilter {
  /** Of any client that took part; `*` stands for any characters. */
  readonly clientId?: string | undefined;
  /** Topic filter. */
  readonly topic?: string | undefined;
  /** Of any client that took part. Found by the records of messages: spans tell user names only where configured. */
  readonly user?: string | undefined;
  /** IP address or CIDR block, of any client that took part. */
  readonly address?: string | undefined;
  readonly minDurationMs?: number | undefined;
  readonly error?: boolean | undefined;
  /** Unix milliseconds. */
  readonly since?: number | undefined;
  /** Id of a watch rule: of the traces that come from now on those that it has kept. */
  readonly watch?: string | undefined;
}

/** A client as a record or a span knows it. Empty: not known. */
export interface Participant {
  readonly clientId: string;
  readonly user: string;
  readonly address: string;
}

/** What is known of a part of a trace, or of all of it. */
export interface TraceKnowledge {
  readonly failed: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Asked for only where they matter. */
  participants(): readonly Participant[];
  topics(): readonly string[];
}

/** `no`: no trace with this part is wanted. `perhaps`: the whole says it. `likely`: this part alone is all that is asked for. */
export type Likelihood = 'no' | 'perhaps' | 'likely';

/** A filter in the form in which it is asked for every record. */
export class TraceMatcher {
  readonly #filter: TraceFilter;
  readonly #isClient: (id: string) => boolean;
  readonly #isFrom: (address: string) => boolean;
  readonly #wantsClient: boolean;

  constructor(filter: TraceFilter) {
    const { clientId, user, address } = filter;
    this.#filter = filter;
    this.#isClient = clientId === undefined ? () => true : namePattern(clientId);
    this.#isFrom = address === undefined ? () => true : (addressBlock(address) ?? (() => false));
    this.#wantsClient = clientId !== undefined || user !== undefined || address !== undefined;
  }

  /**
   * What a part says of its trace. One thing that is asked for has to be found in the part itself, so that not every trace is a
   * candidate: the failure, or else the client, or else the topic. The rest may stand in other parts.
   */
  judge(part: TraceKnowledge): Likelihood {
    const { topic, error, since, minDurationMs = 0 } = this.#filter;
    if (since !== undefined && part.endedAt < since) return 'no';
    if (error !== undefined && part.failed !== error) return 'no';
    const hasClient = !this.#wantsClient || this.#hasClient(part);
    if (!hasClient && error !== true) return 'no';
    const topics = topic === undefined ? [] : part.topics();
    const hasTopic = topic === undefined || topics.some((name) => topicMatches(topic, name));
    // Another topic is not this trace's, unless the caller gave several messages one trace.
    const mayHaveTopic = hasTopic || (topics.length === 0 && (this.#wantsClient || error === true));
    if (!mayHaveTopic) return 'no';
    return hasClient && hasTopic && part.endedAt - part.startedAt >= minDurationMs ? 'likely' : 'perhaps';
  }

  /** Whether the whole trace is one that is wanted. */
  matches(trace: TraceKnowledge): boolean {
    const { topic, minDurationMs = 0, error, since } = this.#filter;
    if (error !== undefined && trace.failed !== error) return false;
    if (trace.endedAt - trace.startedAt < minDurationMs) return false;
    if (since !== undefined && trace.startedAt < since) return false;
    if (this.#wantsClient && !this.#hasClient(trace)) return false;
    return topic === undefined || trace.topics().some((name) => topicMatches(topic, name));
  }

  /** All that is asked of a client is asked of the same one. */
  #hasClient(part: TraceKnowledge): boolean {
    const { user } = this.#filter;
    return part
      .participants()
      .some(
        (client) =>
          this.#isClient(client.clientId) &&
          (user === undefined || client.user === user) &&
          this.#isFrom(client.address),
      );
  }
}

export function participantIn(span: FinishedSpan): Participant {
  return {
    clientId: textOf(span, ATTRIBUTES.mqttClientId),
    user: textOf(span, ATTRIBUTES.userName),
    address: textOf(span, ATTRIBUTES.networkPeerAddress),
  };
}

export function topicsIn(span: FinishedSpan): readonly string[] {
  const topic = textOf(span, ATTRIBUTES.mqttTopic);
  return topic === '' ? [] : [topic];
}

function textOf({ attributes }: FinishedSpan, { id }: AttributeDefinition): string {
  return String(attributes.find(({ definition }) => definition.id === id)?.value ?? '');
}
