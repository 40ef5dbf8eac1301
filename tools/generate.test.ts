import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type GeneratedFile, staleFiles, writeFiles } from './generate/generated-file.ts';

const WHOLE: GeneratedFile = { path: 'docs/keys.md', source: 'src/keys.ts', render: () => 'keys\n' };
const PART: GeneratedFile = { path: 'README.md', section: 'keys', source: 'src/keys.ts', render: () => 'keys\n' };

describe('generated files', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robustmq-generate-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('are written once, with their folders, and are then fresh', () => {
    assert.deepEqual(writeFiles(root, [WHOLE]), ['docs/keys.md']);
    assert.equal(readFileSync(join(root, 'docs/keys.md'), 'utf8'), 'keys\n');
    assert.deepEqual(writeFiles(root, [WHOLE]), []);
    assert.deepEqual(staleFiles(root, [WHOLE]), []);
  });

  it('are stale when missing or changed by hand, and the sentence says what to do', () => {
    assert.equal(staleFiles(root, [WHOLE]).length, 1);
    writeFiles(root, [WHOLE]);
    writeFileSync(join(root, 'docs/keys.md'), 'keys, improved\n');
    const [sentence] = staleFiles(root, [WHOLE]);
    assert.match(sentence!, /^docs\/keys\.md is not what src\/keys\.ts makes of it: run `npm run generate`/);
  });

  it('keep what stands around a section', () => {
    const page = (keys: string) => `# Title\n\n<!-- generated:keys -->\n${keys}<!-- /generated:keys -->\n\nMore.\n`;
    writeFileSync(join(root, 'README.md'), page('old\n'));
    assert.match(staleFiles(root, [PART])[0]!, /^the section keys of README\.md/);
    assert.deepEqual(writeFiles(root, [PART]), ['README.md']);
    assert.equal(readFileSync(join(root, 'README.md'), 'utf8'), page('keys\n'));
    assert.deepEqual(staleFiles(root, [PART]), []);
  });

  it('refuse a page without the marks', () => {
    writeFileSync(join(root, 'README.md'), '# Title\n<!-- /generated:keys --> <!-- generated:keys -->\n');
    assert.throws(() => writeFiles(root, [PART]), /README\.md must have the lines <!-- generated:keys -->/);
  });
});
