import type { Statement } from '../../test/conformance/ledger/statement.ts';
import { type DeviationRecord, readDeviations } from './deviations.ts';
import { type Ledger, readLedger, sectionOf, testsOf, VERSIONS } from './ledger.ts';
import type { NamedTest } from './test-names.ts';

const INTRODUCTION = `# Conformance

Every normative statement of MQTT 3.1.1 and 5.0, by the identifiers of the OASIS standards, with the tests of
\`test/conformance/\` that prove it, or the reason why a server cannot be tested for it. The tests speak to a broker over its
socket and know nothing of its inside.

\`npm run conformance\` runs them and prints the result of each statement. \`-- --target host:port\` asks a broker that runs
already, \`-- --broker mosquitto\` starts one; tests that need special settings of our own broker are then skipped.

This page is made from the ledger and the tests by \`npm run generate\`.
`;

/** docs/conformance.md: what is claimed, not what a run showed. */
export function renderConformanceDocument(root: string): string {
  const ledgers = VERSIONS.map((version) => readLedger(version, root));
  const parts = [INTRODUCTION, counts(ledgers), ...ledgers.map(versionSection), mosquittoSection(readDeviations(root))];
  return parts.join('\n');
}

function counts(ledgers: readonly Ledger[]): string {
  const rows = ledgers.map((ledger) => {
    const tested = ledger.statements.filter((statement) => testsOf(ledger, statement).length > 0).length;
    const reasoned = ledger.statements.filter(({ reason }) => reason !== undefined).length;
    const { length } = ledger.statements;
    return `| MQTT ${ledger.version} | ${length} | ${tested} | ${reasoned} | ${ledger.tests.length} |\n`;
  });
  return `| | Statements | Tested | Not testable | Tests |\n|---|---:|---:|---:|---:|\n${rows.join('')}`;
}

function versionSection(ledger: Ledger): string {
  const rows = ledger.statements.map((statement) => {
    const cells = [
      sectionOf(statement),
      statement.id,
      statement.binds,
      evidence(statement, testsOf(ledger, statement)),
    ];
    return `| ${cells.join(' | ')} |\n`;
  });
  return `## MQTT ${ledger.version}\n\n| Section | Statement | Binds | Tests, or why there is none |\n|---|---|---|---|\n${rows.join('')}`;
}

function evidence({ reason }: Statement, tests: readonly NamedTest[]): string {
  if (tests.length === 0) return reason === undefined ? '**missing**' : `*${cell(reason)}*`;
  const byFile = Map.groupBy(tests, ({ file }) => file);
  return [...byFile]
    .map(([file, named]) => {
      const names = named.map(({ name }) => cell(name)).join('; ');
      return `[${file.split('/').at(-1)}](../${file}): ${names}`;
    })
    .join('<br>');
}

function mosquittoSection({ broker, brokerVersion, versions }: DeviationRecord): string {
  const parts = versions.map(({ version, passed, skipped, failed }) => {
    const lines = failed.map((name) => `- ${cell(name)}\n`);
    return `### MQTT ${version}\n\n${passed} tests passed, ${skipped} were skipped, ${failed.length} failed:\n\n${lines.join('')}`;
  });
  const about =
    `The same tests, as a check on themselves, asked of ${broker} ${brokerVersion}. Where it does otherwise than a test ` +
    'demands, the test was read again beside the specification.';
  return `## ${broker}\n\n${about}\n\n${parts.join('\n')}`;
}

/** What a table or a list would take for its own is written so that it stays text. */
function cell(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[|*_`\\#]/g, '\\$&');
}
