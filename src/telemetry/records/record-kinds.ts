/*
 * What lies in the ring. A record begins as ring/ring-memory.ts says; u32 and f64 below count from its first word. Texts,
 * clients and extras are referred to by position (low 32 bits), 0 for none. Identities are as in SpanIdentity.
 *
 *   TEXT      u1 bytes of UTF-8; then the bytes, up to a whole word
 *   CLIENT    u1 port; u2 client id; u3 address; u4 user; u5 authentication method; f3 number of the session
 *   EXTRA     u1 count; then entries (extra-entries.ts): what few messages have
 *   RUN       QoS 0 messages that shared all their stages: see run-recorder.ts
 *   MESSAGES  messages that were answered together: see message-entry.ts
 *   COMMIT    records that one group commit made durable: see commit-recorder.ts
 *   PUSH      a delivery to one subscriber: see push-recorder.ts
 *   SPAN      any other span: see span-record.ts
 */
export const RECORD = {
  text: 1,
  client: 2,
  extra: 3,
  run: 4,
  messages: 5,
  commit: 6,
  push: 7,
  span: 8,
} as const;

/** A reference to what is certain to be overwritten: no record lies there, see ring/ring-memory.ts. */
export const OVERWRITTEN = 1;

/** Last bytes of the ids of a message's spans (trace-ids.ts). */
export const STAGE = {
  publish: 1,
  validate: 2,
  authorize: 3,
  persist: 4,
  query: 5,
  route: 6,
  write: 7,
  append: 8,
  index: 9,
  storage: 10,
  match: 11,
  commit: 12,
  /** Of a delivery, whose ids have seven bytes of their own. */
  push: 1,
  confirm: 2,
  ack: 3,
  received: 4,
  /** Of a run: the first of its pushes, and what stands for those beyond the last. */
  firstPush: 32,
  restOfPushes: 65,
} as const;
