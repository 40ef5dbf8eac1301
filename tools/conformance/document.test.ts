import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { renderConformanceDocument } from './document.ts';
import { readLedger, VERSIONS } from './ledger.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DOCUMENT = renderConformanceDocument(ROOT);

describe('docs/conformance.md', () => {
  it('has a row for every statement', () => {
    const rows = DOCUMENT.match(/^\| [\d.]+ \| MQTT-[\d.]+-\d+ \| (server|client|both) \| .+ \|$/gm);
    const statements = VERSIONS.map((version) => readLedger(version, ROOT).statements.length);
    assert.equal(rows?.length, statements[0]! + statements[1]!);
  });

  it('links to files that exist', () => {
    const links = [...DOCUMENT.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    assert.notEqual(links.length, 0);
    for (const link of new Set(links)) assert(existsSync(join(ROOT, 'docs', link)), link);
  });

  it('keeps what a table would take for its own as text', () => {
    const row = DOCUMENT.split('\n').find((line) => line.includes('| MQTT-4.7.1-2 |'))!;
    assert(row.includes(String.raw`\#`));
  });
});
