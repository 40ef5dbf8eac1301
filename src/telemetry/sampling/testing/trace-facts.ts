import { TRACE_PACKETS, type TraceFacts, type TracePacket } from '../trace-facts.ts';

interface TestFacts extends Partial<Omit<TraceFacts, 'packet' | 'clientId' | 'topic' | 'user' | 'address'>> {
  readonly packet?: TracePacket;
  readonly clientId?: string;
  readonly topic?: string;
  readonly user?: string;
  readonly address?: string;
}

/** Facts of one trace that nothing speaks for, with what the test says of it. */
export function traceFacts(facts: TestFacts = {}): TraceFacts {
  const {
    packet = 'publish',
    clientId = 'meter',
    topic = 'sensors/1',
    user = '',
    address = '10.0.0.1',
    ...rest
  } = facts;
  return {
    traces: 1,
    headSampled: false,
    forced: false,
    failed: false,
    dropped: false,
    redeliveries: 0,
    durationMs: 1,
    topicKey: -1,
    ...rest,
    packet: TRACE_PACKETS.indexOf(packet),
    clientId: () => clientId,
    topic: () => topic,
    user: () => user,
    address: () => address,
  };
}
