import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { BrokerKind } from './broker.ts';

const NAME = /^(?<broker>.+)\+(?<percent>[1-9]\d?)$/;
const WORK = join(import.meta.dirname, 'work-process.ts');

/**
 * A broker beside which another process works for so many per cent of the time, to be named `<broker>+<percent>`, on the
 * generator's core: as the exporter's thread and the collector do beside one that traces. Where two processors share what they can do,
 * this says how much of a difference is theirs. Undefined for any other name.
 */
export function besideWork(name: string, kinds: readonly BrokerKind[]): BrokerKind | undefined {
  const { broker, percent } = NAME.exec(name)?.groups ?? {};
  const kind = kinds.find((one) => one.name === broker);
  if (kind === undefined) return undefined;
  return {
    ...kind,
    name,
    start: async (options) => {
      const running = await kind.start(options);
      // It inherits the generator's core.
      const work = fork(WORK, [percent!]);
      const stop = (): Promise<void> => {
        work.kill();
        return running.stop();
      };
      const { port, pid, adminPort } = running;
      return { port, pid, adminPort, assertRunning: () => running.assertRunning(), stop };
    },
  };
}
