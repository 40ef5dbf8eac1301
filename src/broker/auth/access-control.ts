import type { Clock } from '../../base/clock.ts';
import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { AccessAction, AccessDecision, Authorizer, Principal } from './access-rules.ts';

/** A client that has been let in. */
export interface Client {
  readonly principal: Principal;
  readonly authMethod: string;
}

/** What clients may do, with every decision on the trace of the packet that asked. */
export class AccessControl {
  readonly #recorder: Recorder;
  readonly #clock: Clock;
  #authorizer: Authorizer;
  #onChange: () => void = () => undefined;
  /** Grows when answers given before no longer hold. */
  version = 1;

  constructor(authorizer: Authorizer, recorder: Recorder, clock: Clock) {
    this.#authorizer = authorizer;
    this.#recorder = recorder;
    this.#clock = clock;
  }

  replace(authorizer: Authorizer): void {
    this.#authorizer = authorizer;
    this.version += 1;
    this.#onChange();
  }

  /** For the one who asks again where an answer has lasting effect. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  decide(client: Client, action: AccessAction, topic: string, span: SpanHandle): AccessDecision {
    const startedAt = span === NO_SPAN ? 0 : this.#clock.now();
    const decision = this.#authorizer.authorize(client.principal, action, topic);
    if (span !== NO_SPAN) this.#traceDecision(decision, topic, startedAt, span);
    return decision;
  }

  /** Who a packet comes from was settled when the client connected: the span says how. */
  traceIdentity(client: Client, span: SpanHandle): void {
    if (span === NO_SPAN) return;
    const validate = this.#recorder.child(SPANS.authValidate, span, this.#clock.now());
    this.#recorder.attribute(validate, ATTRIBUTES.authMethod, client.authMethod);
    this.#recorder.attribute(validate, ATTRIBUTES.authCached, true);
    this.#recorder.end(validate, this.#clock.now());
  }

  #traceDecision(decision: AccessDecision, topic: string, startedAt: number, span: SpanHandle): void {
    const recorder = this.#recorder;
    const authorize = recorder.child(SPANS.topicAuthorize, span, startedAt);
    recorder.attribute(authorize, ATTRIBUTES.mqttTopic, topic);
    recorder.attribute(authorize, ATTRIBUTES.authRule, decision.rule);
    recorder.attribute(authorize, ATTRIBUTES.authCached, false);
    if (!decision.allowed) recorder.fail(authorize, 'not_authorized', `rule ${decision.rule} does not allow it`);
    recorder.end(authorize, this.#clock.now());
  }
}
