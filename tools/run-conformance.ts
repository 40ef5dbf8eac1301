/** `npm run conformance`: the suite of test/conformance, and what it says of each statement of the specification. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { mosquittoAsInstalled as mosquitto } from '../bench/brokers/mosquitto.ts';
import type { SpecificationVersion } from '../test/conformance/support/conformance.ts';
import { DEVIATIONS_FILE, deviationsOf, type VersionDeviations, writeDeviations } from './conformance/deviations.ts';
import { checkLedger, readLedger, VERSIONS } from './conformance/ledger.ts';
import { countsLine, countsOf, resultTable } from './conformance/report.ts';
import type { TestResult } from './conformance/results.ts';
import { runSuite } from './conformance/run-suite.ts';
import { provide } from './testing/debian-packages.ts';

interface Options {
  readonly target?: string;
  readonly broker?: 'mosquitto';
  readonly version: SpecificationVersion | 'both';
  readonly record?: true;
}

const ROOT = join(import.meta.dirname, '..');

function parse(): Options {
  return new Command('conformance')
    .description('Asks a broker for every normative statement of MQTT 3.1.1 and 5.0; by default RobustMQ itself')
    .option('--target <host:port>', 'a broker that runs already')
    .addOption(new Option('--broker <name>', 'a broker to start').choices([mosquitto.name]).conflicts('target'))
    .addOption(new Option('--version <version>', 'of the specification').choices([...VERSIONS, 'both']).default('both'))
    .option('--record', `keep the result of --broker in ${DEVIATIONS_FILE}`)
    .parse()
    .opts<Options>();
}

/** The version's results, printed. */
async function report(version: SpecificationVersion, target: string | undefined): Promise<TestResult[]> {
  const ledger = readLedger(version, ROOT);
  const results = await runSuite(version, ROOT, target);
  console.log(resultTable(ledger, results));
  for (const { name, outcome, message } of results) if (outcome === 'failed') console.log(`✖ ${name}\n    ${message}`);
  console.log(countsLine(ledger, countsOf(ledger, results)));
  return results;
}

async function askOurs(versions: readonly SpecificationVersion[], target: string | undefined): Promise<boolean> {
  const wrong = versions.flatMap((version) => checkLedger(readLedger(version, ROOT)));
  let failures = wrong.length;
  for (const version of versions) {
    const results = await report(version, target);
    failures += results.filter(({ outcome }) => outcome === 'failed').length;
  }
  for (const sentence of wrong) console.log(sentence);
  return failures === 0;
}

/** What fails there is that broker's deviation, and no failure of this command. */
async function askMosquitto(versions: readonly SpecificationVersion[], record: boolean): Promise<void> {
  const tool = { name: mosquitto.name, isThere: () => mosquitto.version() !== undefined, package: 'mosquitto' };
  if (provide([tool]).length > 0) return;
  const brokerVersion = mosquitto.version()!;
  const deviations: VersionDeviations[] = [];
  for (const version of versions) {
    // A new one for each version: what the suite of one left behind is nothing to the other.
    const broker = await mosquitto.start({ pinned: false, otlpEndpoint: undefined, samplingRate: 0.01 });
    try {
      deviations.push(deviationsOf(version, await report(version, `127.0.0.1:${broker.port}`)));
    } finally {
      await broker.stop();
    }
  }
  console.log(`${mosquitto.name} ${brokerVersion}: what failed is its deviation from the specification`);
  if (record) writeDeviations(ROOT, { broker: mosquitto.name, brokerVersion, versions: deviations });
}

const { target, broker, version, record } = parse();
const versions = version === 'both' ? VERSIONS : [version];
if (broker !== undefined) await askMosquitto(versions, record === true && version === 'both');
else if (!(await askOurs(versions, target))) process.exitCode = 1;
