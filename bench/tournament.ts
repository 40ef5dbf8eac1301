import type { BrokerKind, StartOptions } from './brokers/broker.ts';
import type { Measurement, Scenario, Timing } from './scenarios/scenario.ts';

/** All runs of one scenario against one broker. */
export interface Entry {
  readonly scenario: string;
  readonly broker: string;
  readonly runs: readonly Measurement[];
  /** Why runs failed: the broker broke a promise, or ended. */
  readonly failures: readonly string[];
}

export interface Tournament {
  readonly scenarios: readonly Scenario[];
  readonly brokers: readonly BrokerKind[];
  readonly rounds: number;
  readonly timing: Timing;
  readonly start: StartOptions;
  /** Told of each run when it is over. */
  readonly onRun: (description: string) => void;
}

/**
 * Each broker in turn, round after round, so that what the machine does meanwhile meets all alike.
 * Every run gets a broker freshly started, alone on its core.
 */
export async function play(tournament: Tournament): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const scenario of tournament.scenarios) {
    const found = tournament.brokers.map((kind) => ({ kind, runs: [] as Measurement[], failures: [] as string[] }));
    for (let round = 1; round <= tournament.rounds; round++) {
      for (const { kind, runs, failures } of found) {
        const label = `${scenario.name} ${kind.name} ${round}/${tournament.rounds}`;
        try {
          const run = await runOnce(scenario, kind, tournament);
          runs.push(run);
          tournament.onRun(`${label}: ${describe(run)}`);
        } catch (error) {
          failures.push((error as Error).message);
          tournament.onRun(`${label}: FAILED: ${(error as Error).message}`);
        }
      }
    }
    entries.push(
      ...found.map(({ kind, runs, failures }) => ({ scenario: scenario.name, broker: kind.name, runs, failures })),
    );
  }
  return entries;
}

async function runOnce(scenario: Scenario, kind: BrokerKind, { timing, start }: Tournament): Promise<Measurement> {
  const broker = await kind.start(start);
  try {
    return await scenario.run(broker, timing);
  } catch (error) {
    // That the broker ended says more than that its connections did.
    broker.assertRunning();
    throw error;
  } finally {
    await broker.stop();
  }
}

function describe({ operations, elapsedMs, brokerCpuMs, bytesPerConnection }: Measurement): string {
  if (bytesPerConnection !== undefined) return `${Math.round(bytesPerConnection)} bytes for each connection`;
  const perSecond = Math.round((operations / elapsedMs) * 1000);
  return `${perSecond}/s, ${((brokerCpuMs * 1000) / operations).toFixed(2)} CPU-µs each`;
}
