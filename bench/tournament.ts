import type { StartOptions } from './brokers/broker.ts';
import type { Contestant } from './contestants.ts';
import { type SpanAccount, settleSpans } from './measure/span-account.ts';
import { figuresAt } from './measure/span-figures.ts';
import type { Measurement, Scenario, Timing } from './scenarios/scenario.ts';

export interface Run extends Measurement {
  /** Where it exported traces. */
  readonly spans: SpanAccount | undefined;
}

/** All runs of one scenario against one broker. */
export interface Entry {
  readonly scenario: string;
  readonly broker: string;
  readonly runs: readonly Run[];
  /** Why runs failed: the broker broke a promise, or ended. */
  readonly failures: readonly string[];
}

export interface Tournament {
  readonly scenarios: readonly Scenario[];
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
  readonly timing: Timing;
  readonly start: Omit<StartOptions, 'otlpEndpoint'>;
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
    const found = tournament.contestants.map((contestant) => ({
      contestant,
      runs: [] as Run[],
      failures: [] as string[],
    }));
    for (let round = 1; round <= tournament.rounds; round++) {
      for (const { contestant, runs, failures } of found) {
        const label = `${scenario.name} ${contestant.name} ${round}/${tournament.rounds}`;
        try {
          const run = await runOnce(scenario, contestant, tournament);
          runs.push(run);
          tournament.onRun(`${label}: ${describe(run)}`);
        } catch (error) {
          failures.push((error as Error).message);
          tournament.onRun(`${label}: FAILED: ${(error as Error).message}`);
        }
      }
    }
    entries.push(
      ...found.map(({ contestant, ...found }) => ({ scenario: scenario.name, broker: contestant.name, ...found })),
    );
  }
  return entries;
}

async function runOnce(
  scenario: Scenario,
  { kind, collector }: Contestant,
  { timing, start }: Tournament,
): Promise<Run> {
  await collector?.misbehave();
  const receivedBefore = await collector?.receivedSpans();
  const broker = await kind.start({ ...start, otlpEndpoint: collector?.endpoint });
  try {
    const measurement = await scenario.run(broker, timing);
    const { adminPort } = broker;
    if (adminPort === undefined || collector === undefined) return { ...measurement, spans: undefined };
    const { samplingRate } = start;
    const exporting = { readFigures: figuresAt(adminPort), collector, samplingRate, receivedBefore };
    return { ...measurement, spans: await settleSpans(exporting) };
  } catch (error) {
    // That the broker ended says more than that its connections did.
    broker.assertRunning();
    throw error;
  } finally {
    await broker.stop();
  }
}

function describe({ operations, elapsedMs, brokerCpuMs, bytesPerConnection, offered }: Measurement): string {
  if (bytesPerConnection !== undefined) return `${Math.round(bytesPerConnection)} bytes for each connection`;
  const perSecond = Math.round((operations / elapsedMs) * 1000);
  const reached =
    offered === undefined ? '' : `, ${Math.round(offered.reachedPerSecond)}/s of ${offered.perSecond}/s published`;
  return `${perSecond}/s, ${((brokerCpuMs * 1000) / operations).toFixed(2)} CPU-µs each${reached}`;
}
