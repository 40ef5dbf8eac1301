import type { Clock } from '../../base/clock.ts';
import { ATTRIBUTES, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import type { AuthenticationMethod, Authenticator, AuthOutcome, AuthStep, Credentials } from './authenticator.ts';
import type { Claimant, LoginGuard } from './login-guard.ts';

interface Banned {
  readonly type: 'banned';
}
const BANNED: Banned = { type: 'banned' };

/** What became of a login: the outcome of the chain, or a ban that spared the backends the question. */
export type LoginOutcome = AuthOutcome | Banned;

/** How an exchange of AUTH packets ended, as far as it matters here. */
type Exchanged =
  | { readonly type: 'allowed'; readonly identity: string }
  /** `claimed` is who the client said it was; undefined where it broke off, or the protocol. */
  | { readonly type: 'refused'; readonly claimed?: string | undefined };

/** Lets a client in or not: bans first, then the listener's authenticators; with the answer on the trace and in the figures. */
export class Login {
  readonly #authenticators: ReadonlyMap<string, Authenticator>;
  readonly #guard: LoginGuard;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;

  constructor(parts: {
    /** By listener name. */
    authenticators: ReadonlyMap<string, Authenticator>;
    guard: LoginGuard;
    recorder: Recorder;
    metrics: Metrics;
    clock: Clock;
  }) {
    this.#authenticators = parts.authenticators;
    this.#guard = parts.guard;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
  }

  /** @param span of the CONNECT; a refusal comes late on purpose */
  async authenticate(listener: string, credentials: Credentials, span: SpanHandle): Promise<LoginOutcome> {
    const startedAt = this.#clock.now();
    const validate = this.#recorder.child(SPANS.authValidate, span, startedAt);
    const outcome = await this.#decide(this.#authenticators.get(listener)!, credentials);
    this.#count(outcome);
    this.#trace(outcome, validate);
    const endedAt = this.#clock.now();
    this.#recorder.end(validate, endedAt);
    recordStage(this.#metrics, STAGES.authenticate, endedAt - startedAt);
    if (outcome.type === 'refused') await this.#guard.delay();
    return outcome;
  }

  /** The same for a client that proves itself by an exchange of AUTH packets, which has spans of its own. */
  async exchange<Outcome extends Exchanged>(
    method: AuthenticationMethod,
    credentials: Credentials,
    span: SpanHandle,
    run: () => Promise<Outcome>,
  ): Promise<Outcome | Banned> {
    const { address } = credentials;
    const claimant = claimantOf(credentials);
    const outcome = this.#guard.isBanned(claimant) ? BANNED : await run();
    const settled = outcome.type === 'banned' ? outcome : this.#settleExchange(address, claimant, outcome);
    if (settled.type === 'banned') this.#refuseBanned(span);
    else if (settled.type === 'allowed') this.#metrics.add(counterId(METRICS.loginsTotal, method));
    else {
      const { claimed } = settled;
      this.#metrics.add(counterId(METRICS.loginsRefusedTotal, claimed === undefined ? 'none' : method));
      if (claimed !== undefined) await this.#guard.delay();
    }
    return settled;
  }

  #settleExchange<Outcome extends Exchanged>(address: string, claimant: Claimant, outcome: Outcome): Outcome | Banned {
    const claimed = outcome.type === 'allowed' ? outcome.identity : outcome.claimed;
    const proven = claimed === undefined ? claimant : { address, name: claimed };
    if (this.#guard.isBanned(proven)) return BANNED;
    if (outcome.type === 'allowed') this.#guard.succeeded(proven);
    else if (claimed !== undefined) this.#guard.failed(proven);
    return outcome;
  }

  #refuseBanned(span: SpanHandle): void {
    const validate = this.#recorder.child(SPANS.authValidate, span, this.#clock.now());
    this.#count(BANNED);
    this.#trace(BANNED, validate);
    this.#recorder.end(validate, this.#clock.now());
  }

  async #decide(authenticator: Authenticator, credentials: Credentials): Promise<LoginOutcome> {
    const claimant = claimantOf(credentials);
    if (this.#guard.isBanned(claimant)) return BANNED;
    const outcome = await authenticator.authenticate(credentials);
    // Guesses that were asked side by side: those answered after the ban tell nothing any more, not even a right one.
    if (this.#guard.isBanned(claimant)) return BANNED;
    if (outcome.type === 'allowed') this.#guard.succeeded(claimant);
    if (outcome.type === 'refused' && outcome.wasAttempt) this.#guard.failed(claimant);
    return outcome;
  }

  #count(outcome: LoginOutcome): void {
    const { type } = outcome;
    if (type === 'banned') this.#metrics.add(counterId(METRICS.loginsRefusedTotal, 'banned'));
    else if (type === 'allowed') this.#metrics.add(counterId(METRICS.loginsTotal, outcome.method));
    else if (type === 'refused') this.#metrics.add(counterId(METRICS.loginsRefusedTotal, outcome.method));
    else this.#metrics.add(counterId(METRICS.loginsUnavailableTotal, outcome.method));
  }

  #trace(outcome: LoginOutcome, validate: SpanHandle): void {
    if (validate === NO_SPAN) return;
    const recorder = this.#recorder;
    if (outcome.type === 'banned') {
      recorder.fail(validate, 'banned', 'too many logins failed before');
      return;
    }
    for (const step of outcome.steps) this.#traceStep(step, validate);
    recorder.attribute(validate, ATTRIBUTES.authMethod, outcome.method);
    const asked = outcome.steps.map(({ method }) => method);
    if (asked.length > 0) recorder.attribute(validate, ATTRIBUTES.authChain, asked);
    if (outcome.type === 'allowed') recorder.attribute(validate, ATTRIBUTES.authCached, outcome.cached);
    else recorder.fail(validate, outcome.type, outcome.reason);
  }

  #traceStep({ method, verdict, startedAt, endedAt }: AuthStep, validate: SpanHandle): void {
    const recorder = this.#recorder;
    const span = recorder.child(SPANS.authBackend, validate, startedAt);
    recorder.attribute(span, ATTRIBUTES.authMethod, method);
    recorder.attribute(span, ATTRIBUTES.authVerdict, verdict.type);
    if (verdict.type === 'refused' || verdict.type === 'unavailable') recorder.fail(span, verdict.type, verdict.reason);
    recorder.end(span, endedAt);
  }
}

const claimantOf = ({ address, username, clientId }: Credentials): Claimant => ({
  address,
  name: username ?? clientId,
});
