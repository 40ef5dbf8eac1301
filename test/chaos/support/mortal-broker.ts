import { assemble, type BrokerAssembly } from '../../../src/broker/assembly/assemble.ts';
import { AccessControl } from '../../../src/broker/auth/access-control.ts';
import { createAuthenticator } from '../../../src/broker/auth/authenticator.ts';
import { compileAccessRules } from '../../../src/broker/auth/authorizer.ts';
import { CLOSE_REASONS } from '../../../src/broker/connection/close-reason.ts';
import { Listener } from '../../../src/broker/listener.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { MemoryJournal } from '../../../src/journal/engines/memory/memory-journal.ts';
import { MemoryPlacement } from '../../../src/placement/engines/memory/memory-placement.ts';
import { type LogLine, type TestTelemetry, testTelemetry } from '../../../src/telemetry/testing/test-telemetry.ts';
import { ShiftedClock } from '../../support/shifted-clock.ts';
import { assignments, type Settings } from '../../support/test-settings.ts';
import type { Chance } from './chance.ts';
import { Life } from './mortal.ts';

/**
 * The broker on stores that outlive it, in this process: it dies and comes back in a moment, and the test says when a
 * checkpoint is taken, so that it can stand between any two events.
 */
export class MortalBroker implements AsyncDisposable {
  readonly clock = new ShiftedClock();
  /** What any of its lives logged as a failure. */
  readonly failures: LogLine[] = [];
  readonly #chance: Chance;
  readonly #settings: Settings;
  readonly #journal = new MemoryJournal({ clock: this.clock });
  readonly #placement = new MemoryPlacement();
  #life: Life;
  #telemetry!: TestTelemetry;
  #assembly!: BrokerAssembly;
  #listener!: Listener;

  private constructor(chance: Chance, settings: Settings) {
    this.#chance = chance;
    this.#settings = settings;
    this.#life = new Life(chance);
  }

  static async start(chance: Chance, settings: Settings = {}): Promise<MortalBroker> {
    const broker = new MortalBroker(chance, settings);
    await broker.revive();
    return broker;
  }

  get port(): number {
    return this.#listener.address.port;
  }

  async revive(): Promise<void> {
    this.#life = new Life(this.#chance);
    this.#telemetry = testTelemetry({ enabled: false });
    const { recording, recorder, metrics, log } = this.#telemetry;
    const config = loadConfig({ environment: {}, flags: { set: assignments(this.#settings) } });
    this.#assembly = await assemble({
      config,
      journal: this.#life.journal(this.#journal),
      placement: this.#life.placement(this.#placement),
      authenticators: new Map([['default', createAuthenticator([], true, this.clock)]]),
      enhanced: new Map(),
      access: new AccessControl(compileAccessRules([]), recorder, this.clock),
      recording,
      metrics,
      log,
      clock: this.clock,
    });
    const [configured] = config.listeners;
    this.#listener = await Listener.open(configured!, (transport) =>
      this.#assembly.connections.accept(transport, configured!),
    );
  }

  /** Nothing is written any more; the clients see their connections end. */
  async die(): Promise<void> {
    this.#life.end();
    this.failures.push(...this.#telemetry.logLines);
    this.#listener.stop();
    this.#assembly.connections.closeAll(CLOSE_REASONS.serverError);
  }

  /** Until told otherwise, or until the next life. */
  set diskFull(full: boolean) {
    this.#life.diskFull = full;
  }

  checkpoint(): Promise<void> {
    return this.#assembly.checkpoint.take();
  }

  /** What the broker does once a second. */
  tick(): void {
    this.#assembly.lifecycle.tick(this.clock.now());
    this.#assembly.sessionLog.endTurn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
  }
}
