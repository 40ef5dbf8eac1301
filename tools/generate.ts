/** `npm run generate` writes the files that are made from the code; with `--check` it only says which ones are stale. */
import { join } from 'node:path';
import { renderConfigTable, renderExampleToml } from '../src/config/documentation.ts';
import { renderTelemetryDocument } from '../src/telemetry/catalogue-document.ts';
import { renderConformanceDocument } from './conformance/document.ts';
import { type GeneratedFile, staleFiles, writeFiles } from './generate/generated-file.ts';

const ROOT = join(import.meta.dirname, '..');

const FILES: readonly GeneratedFile[] = [
  { path: 'README.md', section: 'configuration', source: 'src/config/schema.ts', render: renderConfigTable },
  { path: 'robustmq.example.toml', source: 'src/config/schema.ts', render: renderExampleToml },
  { path: 'docs/telemetry.md', source: 'src/telemetry/catalogue.ts', render: renderTelemetryDocument },
  {
    path: 'docs/conformance.md',
    source: 'test/conformance',
    render: () => renderConformanceDocument(ROOT),
  },
];

if (process.argv.includes('--check')) {
  const stale = staleFiles(ROOT, FILES);
  for (const sentence of stale) console.log(sentence);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const path of writeFiles(ROOT, FILES)) console.log(`wrote ${path}`);
}
