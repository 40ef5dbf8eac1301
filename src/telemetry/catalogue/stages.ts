/**
 * What a message goes through (the first six), and what the broker does for its clients beside: where each stage begins
 * and ends. Values of the label `stage`.
 */
export const STAGE_MEANINGS = {
  admit: 'From the read of a PUBLISH to its admission: topic, permission, limits.',
  store:
    'QoS 1 and 2: from the admission to the message being durable: what waits for the append before, and the append.',
  commit: 'An append of the journal, from its call to its batch being durable; counted once for each record.',
  push: 'Who wants the message, and its bytes in the outboxes of all who are there.',
  confirm: 'From the push of a QoS 1 or 2 message to its PUBACK or PUBCOMP.',
  catch_up: 'One read of the journal for a session that lags, and the delivery of what it brought.',
  authenticate: 'Who a client is: bans and backends, without the pause before a refusal and without AUTH packets.',
  open_session: 'From the answer who the client is to its session being durable.',
  session_log: 'One append to the log of what sessions did.',
  checkpoint: 'One checkpoint of all sessions that changed.',
  metadata_query: 'A get or list of placement.',
  metadata_update: 'A write to placement, until it is durable.',
} as const;

export type Stage = keyof typeof STAGE_MEANINGS;
