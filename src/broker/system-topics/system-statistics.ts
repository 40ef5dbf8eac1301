import { METRICS, type MetricDefinition } from '../../telemetry/catalogue.ts';
import { type CounterId, counterId, type Metrics, seriesOf } from '../../telemetry/metrics.ts';
import { LOAD_WINDOWS, LoadAverage } from './load-average.ts';

/** Each of these is answered by one packet; so is each PUBLISH of QoS 1 and 2. */
const ANSWERED = ['connect', 'pubrec', 'pubrel', 'subscribe', 'unsubscribe', 'pingreq'] as const;
/** Lost to a limit or a failure of the broker, as mosquitto counts them; not what nobody wanted or nobody may have. */
const LOST = ['queue_full', 'too_large', 'retention', 'quota', 'storage_failed'] as const;

const allOf = (metric: MetricDefinition): CounterId[] => seriesOf(metric).map(({ cell }) => cell);
const CONNECTS = [counterId(METRICS.requestsTotal, 'connect')];
const PUBLISH_RECEIVED = allOf(METRICS.messagesReceivedTotal);
const PUBLISH_SENT = allOf(METRICS.messagesDeliveredTotal);
const PUBLISH_DROPPED = LOST.map((reason) => counterId(METRICS.messagesDroppedTotal, reason));
const ANSWERS = [
  ...ANSWERED.map((operation) => counterId(METRICS.requestsTotal, operation)),
  counterId(METRICS.messagesReceivedTotal, '1'),
  counterId(METRICS.messagesReceivedTotal, '2'),
];

/** Totals since the broker started, each the sum of some counters. */
const TOTALS = {
  'bytes/received': [counterId(METRICS.bytesReceivedTotal)],
  'bytes/sent': [counterId(METRICS.bytesSentTotal)],
  'messages/received': allOf(METRICS.requestsTotal),
  'messages/sent': [...ANSWERS, ...PUBLISH_SENT],
  'publish/messages/received': PUBLISH_RECEIVED,
  'publish/messages/sent': PUBLISH_SENT,
  'publish/messages/dropped': PUBLISH_DROPPED,
  'publish/bytes/received': [counterId(METRICS.payloadBytesReceivedTotal)],
  'publish/bytes/sent': [counterId(METRICS.payloadBytesSentTotal)],
  'clients/expired': [counterId(METRICS.sessionsExpiredTotal)],
} as const satisfies Record<string, readonly CounterId[]>;

/** `load/<name>/<window>`: how fast a total grows. */
const LOADS = {
  'messages/received': TOTALS['messages/received'],
  'messages/sent': TOTALS['messages/sent'],
  'publish/received': PUBLISH_RECEIVED,
  'publish/sent': PUBLISH_SENT,
  'publish/dropped': PUBLISH_DROPPED,
  'bytes/received': TOTALS['bytes/received'],
  'bytes/sent': TOTALS['bytes/sent'],
  sockets: [counterId(METRICS.connectionsOpenedTotal)],
  connections: CONNECTS,
} as const satisfies Record<string, readonly CounterId[]>;

interface Load {
  readonly name: string;
  readonly counters: readonly CounterId[];
  readonly average: LoadAverage;
}

/** What no counter says. All are asked once for each reading. */
export interface SystemState {
  readonly version: string;
  readonly connectedClients: number;
  readonly peakConnectedClients: number;
  /** Sessions, whether their client is there or not. */
  readonly sessions: number;
  readonly subscriptions: number;
  readonly sharedSubscriptions: number;
  readonly retainedMessages: number;
  readonly inflightMessages: number;
  /** Records in the journal and retained messages. */
  readonly storedMessages: number;
  readonly storedBytes: number;
  /** Memory that the process uses for values and buffers. */
  readonly heapBytes: number;
}

/** The broker's figures under the names that mosquitto gives them below `$SYS/broker/`, as the text that is published. */
export class SystemStatistics {
  readonly #metrics: Metrics;
  readonly #state: () => SystemState;
  readonly #startedAt: number;
  readonly #loads: readonly Load[];
  #peakHeapBytes = 0;

  /** `startedAt`: Unix milliseconds. */
  constructor(metrics: Metrics, state: () => SystemState, startedAt: number) {
    this.#metrics = metrics;
    this.#state = state;
    this.#startedAt = startedAt;
    this.#loads = Object.entries(LOADS).map(([name, counters]) => ({
      name,
      counters,
      average: new LoadAverage(this.#sum(counters), startedAt),
    }));
  }

  /** All figures now, by what follows `$SYS/broker/` in their topics. */
  read(now: number): Map<string, string> {
    const texts = new Map<string, string>();
    const state = this.#state();
    texts.set('version', `robustmq version ${state.version}`);
    texts.set('uptime', `${Math.floor((now - this.#startedAt) / 1000)} seconds`);
    for (const [name, value] of Object.entries(this.#present(state))) texts.set(name, String(value));
    for (const [name, counters] of Object.entries(TOTALS)) texts.set(name, String(this.#sum(counters)));
    for (const { name, counters, average } of this.#loads)
      for (const [index, value] of average.update(this.#sum(counters), now).entries())
        texts.set(`load/${name}/${LOAD_WINDOWS[index]!.name}`, value.toFixed(2));
    return texts;
  }

  #present(state: SystemState): Readonly<Record<string, number>> {
    // A session that is being set up has a client that is not connected yet.
    const disconnected = Math.max(0, state.sessions - state.connectedClients);
    this.#peakHeapBytes = Math.max(this.#peakHeapBytes, state.heapBytes);
    return {
      'clients/connected': state.connectedClients,
      'clients/active': state.connectedClients,
      'clients/disconnected': disconnected,
      'clients/inactive': disconnected,
      'clients/total': state.connectedClients + disconnected,
      'clients/maximum': state.peakConnectedClients,
      'messages/inflight': state.inflightMessages,
      'messages/stored': state.storedMessages,
      'store/messages/count': state.storedMessages,
      'store/messages/bytes': state.storedBytes,
      'retained messages/count': state.retainedMessages,
      'subscriptions/count': state.subscriptions,
      'shared_subscriptions/count': state.sharedSubscriptions,
      'heap/current size': state.heapBytes,
      'heap/maximum size': this.#peakHeapBytes,
    };
  }

  #sum(counters: readonly CounterId[]): number {
    let sum = 0;
    for (const counter of counters) sum += this.#metrics.value(counter);
    return sum;
  }
}
