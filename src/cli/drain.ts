import { type Command, InvalidArgumentError } from 'commander';
import { AdminClient, adminOption, orExplain } from './admin-client.ts';
import type { CommandContext } from './command-context.ts';

const PATH = '/api/v1/drain';

interface DrainCommandOptions {
  readonly url: string;
  readonly serverReference?: string;
  readonly rate?: number;
  readonly stop?: true;
  readonly status?: true;
}

/** What the admin API answers. */
type DrainAnswer =
  | { readonly type: 'off' }
  | {
      readonly type: 'draining';
      readonly serverReference?: string;
      readonly ratePerSecond: number;
      readonly clientsLeft: number;
    };

export function addDrainCommand(program: Command, { stdout }: CommandContext): void {
  program
    .command('drain')
    .description('send the clients of a running broker to another server, before it is stopped')
    .option('--server-reference <host:port>', 'where MQTT 5 clients are told to go')
    .option('--rate <clients>', 'clients sent away a second, as 100 or 100/s (default: 100)', ratePerSecond)
    .option('--status', 'say how far it is')
    .option('--stop', 'take clients again')
    .addOption(adminOption())
    .addHelpText(
      'after',
      `
Not ready (/readyz) from the first moment. Sessions stay with this broker and wills are published as
for every connection that a server closes. The broker runs on until SIGTERM.

Examples:
  robustmq drain --server-reference mq2.example.com:1883 --rate 50/s
  robustmq drain --status
  robustmq drain --stop`,
    )
    .action((options: DrainCommandOptions, command: Command) =>
      orExplain(command, async () => {
        stdout.write(`${sentenceOf(await ask(options))}\n`);
      }),
    );
}

async function ask({ url, serverReference, rate, stop, status }: DrainCommandOptions): Promise<DrainAnswer> {
  const isWish = serverReference !== undefined || rate !== undefined;
  if (Number(isWish) + Number(stop ?? 0) + Number(status ?? 0) > 1)
    throw new InvalidArgumentError('--stop and --status stand alone.');
  const admin = new AdminClient(url);
  const response = await (stop
    ? admin.request(PATH, { method: 'DELETE' })
    : status
      ? admin.request(PATH)
      : admin.request(PATH, {
          method: 'POST',
          body: { ...(serverReference !== undefined && { serverReference }), ...(rate && { ratePerSecond: rate }) },
        }));
  return (await response.json()) as DrainAnswer;
}

function sentenceOf(answer: DrainAnswer): string {
  if (answer.type === 'off') return 'Not draining: clients are taken.';
  const { serverReference, ratePerSecond, clientsLeft } = answer;
  const whither = serverReference === undefined ? '' : ` to ${serverReference}`;
  if (clientsLeft === 0) return `Drained${whither}: no client is connected.`;
  return `Draining${whither} at ${ratePerSecond} clients a second: ${clientsLeft} still connected.`;
}

function ratePerSecond(text: string): number {
  const rate = Number(text.replace(/\/s$/, ''));
  if (rate >= 0.1 && rate <= 1_000_000) return rate;
  throw new InvalidArgumentError('Expected clients a second, such as 100/s.');
}
