import type { Clock } from '../../base/clock.ts';
import type { AuthPacket, ConnectPacket } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { SpanHandle } from '../../telemetry/recorder.ts';
import type { EnhancedAuthenticator, ExchangeStep } from '../auth/enhanced-authenticator.ts';
import type { LoginGuard } from '../auth/login-guard.ts';
import { encodeAnswer } from '../connection/answer.ts';
import type { Connection } from '../connection/connection.ts';
import type { AuthTrace } from './auth-trace.ts';
import { closeReasonOf, type Refusal, refuse } from './connect-refusal.ts';

/** How an exchange ended. */
export type ExchangeOutcome =
  | { readonly type: 'allowed'; readonly identity: string; readonly data: Uint8Array }
  | {
      readonly type: 'refused';
      readonly refusal: Refusal;
      /** Whom the client failed to prove to be; undefined where the exchange broke off. */
      readonly claimed?: string | undefined;
    };

/** An exchange in which the client has the next word. */
interface Exchange {
  readonly authenticator: EnhancedAuthenticator;
  readonly next: (data: Uint8Array) => ExchangeStep;
  readonly startedAt: number;
  /** The CONNECT's, or none for a re-authentication: each of its packets has a trace of its own. */
  readonly connectSpan: SpanHandle | undefined;
  /** Returns what it came to nothing for, if it did. */
  readonly settle: (outcome: ExchangeOutcome) => Refusal | undefined;
}

const NOTHING = new Uint8Array(0);
const REFUSED = refuse(ReasonCode.notAuthorized, 'refused', 'the authentication failed');
const OUT_OF_PLACE = refuse(ReasonCode.protocolError, 'protocol_error', 'AUTH out of place, or of another method');
const TOO_LATE = refuse(ReasonCode.notAuthorized, 'timeout', 'the authentication took too long');
const GONE = refuse(ReasonCode.notAuthorized, 'abandoned', 'the connection ended before its authentication did');
const TOO_LARGE = refuse(ReasonCode.packetTooLarge, 'packet_too_large', 'AUTH is larger than the client takes');
const UNKNOWN_METHOD = refuse(
  ReasonCode.badAuthenticationMethod,
  'bad_authentication_method',
  'no such method is offered',
);
const OTHER_USER = refuse(ReasonCode.notAuthorized, 'refused', 'another user than the one who connected');

/** The conversation of AUTH packets (MQTT 5 section 4.12): at connect, and again while connected. */
export class EnhancedAuthentication {
  readonly #authenticators: ReadonlyMap<string, EnhancedAuthenticator>;
  readonly #guard: Pick<LoginGuard, 'failed'>;
  readonly #trace: AuthTrace;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** At most one for each connection. */
  readonly #exchanges = new Map<Connection, Exchange>();

  constructor(parts: {
    /** By listener name. */
    authenticators: ReadonlyMap<string, EnhancedAuthenticator>;
    /** Told of re-authentications that failed; those at connect are the login's business. */
    guard: Pick<LoginGuard, 'failed'>;
    trace: AuthTrace;
    clock: Clock;
    timeoutMs: number;
  }) {
    this.#authenticators = parts.authenticators;
    this.#guard = parts.guard;
    this.#trace = parts.trace;
    this.#clock = parts.clock;
    this.#timeoutMs = parts.timeoutMs;
  }

  /** For a CONNECT that names a method. Settles when the client is known, refused, or gone. */
  connect(connection: Connection, packet: ConnectPacket, span: SpanHandle): Promise<ExchangeOutcome> {
    const { authenticationMethod, authenticationData = NOTHING } = packet.properties;
    const authenticator = this.#authenticators.get(connection.listenerName);
    // [MQTT-4.12.0-1]
    if (authenticator === undefined || authenticator.method !== authenticationMethod)
      return Promise.resolve({ type: 'refused', refusal: UNKNOWN_METHOD });
    return new Promise((resolve) => {
      const step = this.#trace.validate(authenticator, span, () => authenticator.begin(authenticationData));
      this.#proceed(connection, step, {
        authenticator,
        startedAt: this.#clock.now(),
        connectSpan: span,
        settle: (outcome) => {
          if (outcome.type === 'allowed') connection.enhancedMethod = authenticator.method;
          resolve(outcome);
          return outcome.type === 'refused' ? outcome.refusal : undefined;
        },
      });
    });
  }

  auth(connection: Connection, packet: AuthPacket): void {
    const exchange = this.#exchanges.get(connection);
    this.#exchanges.delete(connection);
    const begun = this.#trace.begin(connection, packet, exchange?.connectSpan);
    const { span } = begun;
    if (connection.stage === 'authenticating') connection.stage = 'connecting';
    const refusal =
      exchange === undefined
        ? this.#restart(connection, packet, span)
        : this.#answer(connection, packet, exchange, span);
    this.#trace.end(begun, refusal);
  }

  /** Once a second: clients that were asked and do not answer. (Before CONNACK the connection's own time is over first.) */
  tick(now: number): void {
    for (const [connection, { startedAt, settle }] of this.#exchanges) {
      if (now - startedAt <= this.#timeoutMs) continue;
      this.#exchanges.delete(connection);
      settle({ type: 'refused', refusal: TOO_LATE });
    }
  }

  closed(connection: Connection): void {
    const exchange = this.#exchanges.get(connection);
    if (exchange === undefined) return;
    this.#exchanges.delete(connection);
    exchange.settle({ type: 'refused', refusal: GONE });
  }

  /** Re-authentication begins with the client, and with the method it connected with (section 4.12.1). */
  #restart(connection: Connection, packet: AuthPacket, span: SpanHandle): Refusal | undefined {
    const { authenticationMethod, authenticationData = NOTHING } = packet.properties;
    const authenticator = this.#authenticators.get(connection.listenerName);
    const isInPlace =
      packet.reasonCode === ReasonCode.reAuthenticate &&
      authenticator !== undefined &&
      connection.enhancedMethod === authenticator.method &&
      authenticationMethod === authenticator.method;
    if (!isInPlace) {
      // [MQTT-4.12.0-7] [MQTT-4.12.1-1]
      connection.close(closeReasonOf(OUT_OF_PLACE.reasonCode));
      return OUT_OF_PLACE;
    }
    const step = this.#trace.validate(authenticator, span, () => authenticator.begin(authenticationData));
    return this.#proceed(connection, step, {
      authenticator,
      startedAt: this.#clock.now(),
      connectSpan: undefined,
      settle: (outcome) => this.#settleAgain(connection, authenticator, outcome),
    });
  }

  #answer(connection: Connection, packet: AuthPacket, exchange: Exchange, span: SpanHandle): Refusal | undefined {
    const { authenticator, next, settle } = exchange;
    const { authenticationMethod, authenticationData = NOTHING } = packet.properties;
    // [MQTT-4.12.0-5]
    if (packet.reasonCode !== ReasonCode.continueAuthentication || authenticationMethod !== authenticator.method)
      return settle({ type: 'refused', refusal: OUT_OF_PLACE });
    const step = this.#trace.validate(authenticator, span, () => next(authenticationData));
    return this.#proceed(connection, step, exchange);
  }

  /** Returns what the exchange failed with, if it did. */
  #proceed(connection: Connection, step: ExchangeStep, exchange: Omit<Exchange, 'next'>): Refusal | undefined {
    const { authenticator, settle } = exchange;
    switch (step.type) {
      case 'refused':
        return settle({ type: 'refused', refusal: REFUSED, claimed: step.claimed });
      case 'allowed':
        return settle(step);
      case 'continue':
        // [MQTT-4.12.0-2] [MQTT-4.12.0-3]
        if (!send(connection, ReasonCode.continueAuthentication, authenticator, step.data))
          return settle({ type: 'refused', refusal: TOO_LARGE });
        this.#await(connection, { ...exchange, next: step.next });
        return undefined;
    }
  }

  #await(connection: Connection, exchange: Exchange): void {
    this.#exchanges.set(connection, exchange);
    if (connection.stage !== 'connecting') return;
    connection.stage = 'authenticating';
    // What came behind the CONNECT may wait already; not now, as this may be called from among the bytes read.
    queueMicrotask(() => connection.resume());
  }

  /** The end of a re-authentication: the connection goes on as before, or ends [MQTT-4.12.1-2]. */
  #settleAgain(
    connection: Connection,
    authenticator: EnhancedAuthenticator,
    outcome: ExchangeOutcome,
  ): Refusal | undefined {
    const refusal = this.#refusalAgain(connection, authenticator, outcome);
    if (refusal !== undefined) connection.close(closeReasonOf(refusal.reasonCode));
    return refusal;
  }

  #refusalAgain(
    connection: Connection,
    authenticator: EnhancedAuthenticator,
    outcome: ExchangeOutcome,
  ): Refusal | undefined {
    const { address, username } = connection.principal;
    if (outcome.type === 'refused') {
      if (outcome.claimed !== undefined) this.#guard.failed({ address, name: outcome.claimed });
      return outcome.refusal;
    }
    if (outcome.identity !== username) return OTHER_USER;
    return send(connection, ReasonCode.success, authenticator, outcome.data) ? undefined : TOO_LARGE;
  }
}

/** False when the client takes no packet as large as this. */
function send(
  connection: Connection,
  reasonCode: ReasonCode,
  { method }: EnhancedAuthenticator,
  data: Uint8Array,
): boolean {
  const properties = { authenticationMethod: method, authenticationData: data };
  const bytes = encodeAnswer({ type: 'auth', reasonCode, properties }, undefined, connection);
  if (bytes !== undefined) connection.send(bytes);
  return bytes !== undefined;
}
