import type { Clock } from '../../base/clock.ts';
import type { AuthPacket } from '../../mqtt/packets.ts';
import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { operationMetrics, recordOperation } from '../../telemetry/operation.ts';
import type { Recorder, SpanHandle } from '../../telemetry/recorder.ts';
import type { EnhancedAuthenticator, ExchangeStep } from '../auth/enhanced-authenticator.ts';
import type { Connection } from '../connection/connection.ts';
import type { Refusal } from './connect-refusal.ts';

const AUTH = operationMetrics('auth');

/** The span of an AUTH packet that is being answered. */
export interface AuthSpan {
  readonly span: SpanHandle;
  readonly startedAt: number;
}

/** The spans and figures of AUTH packets, and of what an authenticator makes of the data in them. */
export class AuthTrace {
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;

  constructor(parts: { recorder: Recorder; metrics: Metrics; clock: Clock }) {
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
  }

  /** Below the CONNECT it belongs to; in a trace of its own while connected. */
  begin(connection: Connection, packet: AuthPacket, connectSpan: SpanHandle | undefined): AuthSpan {
    const startedAt = this.#clock.now();
    const recorder = this.#recorder;
    const span =
      connectSpan === undefined
        ? recorder.root(SPANS.mqttAuth, startedAt, connection)
        : recorder.child(SPANS.mqttAuth, connectSpan, startedAt);
    const { clientId } = connection.principal;
    recorder.attribute(span, ATTRIBUTES.mqttClientId, clientId);
    recorder.attribute(span, ATTRIBUTES.mqttReasonCode, packet.reasonCode);
    return { span, startedAt };
  }

  /** Lets the authenticator take one step. */
  validate({ method }: EnhancedAuthenticator, parent: SpanHandle, step: () => ExchangeStep): ExchangeStep {
    const recorder = this.#recorder;
    const span = recorder.child(SPANS.authValidate, parent, this.#clock.now());
    recorder.attribute(span, ATTRIBUTES.authMethod, method.toLowerCase());
    recorder.attribute(span, ATTRIBUTES.authCached, false);
    const result = step();
    if (result.type === 'refused') recorder.fail(span, 'refused', 'the exchange proved nothing');
    recorder.end(span, this.#clock.now());
    return result;
  }

  end({ span, startedAt }: AuthSpan, refusal: Refusal | undefined): void {
    const now = this.#clock.now();
    if (refusal !== undefined) this.#recorder.fail(span, refusal.errorType, refusal.message);
    recordOperation(this.#metrics, this.#recorder, AUTH, span, startedAt, now, refusal === undefined);
    this.#recorder.end(span, now);
  }
}
