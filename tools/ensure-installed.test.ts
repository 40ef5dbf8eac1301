import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { reasonToInstall } from './ensure-installed.mjs';

type Packages = Record<string, { version?: string; integrity?: string; dev?: boolean; optional?: boolean }>;

const WANTED: Packages = {
  '': {},
  'node_modules/zod': { version: '4.0.0', integrity: 'sha512-a' },
  'node_modules/typescript': { version: '7.0.0', integrity: 'sha512-b', dev: true },
  'node_modules/engine-win32': { version: '1.0.0', integrity: 'sha512-c', optional: true },
  'node_modules/engine-mac': { version: '1.0.0', optional: true },
};

const {
  '': _root,
  'node_modules/engine-win32': _otherPlatform,
  'node_modules/engine-mac': _anotherPlatform,
  ...INSTALLED
} = WANTED;

function project({ installed, withNode = true }: { installed?: Packages; withNode?: boolean }): string {
  const root = mkdtempSync(join(tmpdir(), 'robustmq-install-'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: WANTED }));
  if (installed === undefined) return root;
  mkdirSync(join(root, 'node_modules', ...(withNode ? ['node', 'bin'] : [])), { recursive: true });
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  return root;
}

test('nothing is to be done when all is there, other platforms and what lies there besides left aside', () => {
  assert.equal(reasonToInstall(project({ installed: INSTALLED }), true), undefined);
  const more = { ...INSTALLED, 'node_modules/extra': { version: '1.0.0' } };
  assert.equal(reasonToInstall(project({ installed: more }), true), undefined);
});

test('a fresh clone installs', () => {
  assert.equal(reasonToInstall(project({}), false), 'nothing is installed yet');
});

test('a package that is missing or of another version is named', () => {
  const { 'node_modules/zod': zod, ...rest } = INSTALLED;
  assert.equal(reasonToInstall(project({ installed: rest }), false), 'zod is not installed');
  const older = { ...rest, 'node_modules/zod': { ...zod, version: '3.0.0' } };
  assert.match(reasonToInstall(project({ installed: older }), false) ?? '', /zod is installed in version 3\.0\.0/);
});

test('a package with another checksum is not the one wanted, where the lockfile has a checksum at all', () => {
  const { 'node_modules/zod': zod, ...rest } = INSTALLED;
  const changed = { ...rest, 'node_modules/zod': { ...zod, integrity: 'sha512-x' } };
  assert.match(reasonToInstall(project({ installed: changed }), false) ?? '', /zod 4\.0\.0 is installed with another/);
  const otherPlatform = { ...INSTALLED, 'node_modules/engine-mac': { version: '1.0.0', integrity: 'sha512-d' } };
  assert.equal(reasonToInstall(project({ installed: otherPlatform }), false), undefined);
});

test('to start needs no development packages, to test does', () => {
  const { 'node_modules/typescript': _typescript, ...production } = INSTALLED;
  assert.equal(reasonToInstall(project({ installed: production }), false), undefined);
  assert.equal(reasonToInstall(project({ installed: production }), true), 'typescript is not installed');
});

test('the pinned Node must be there', () => {
  assert.equal(
    reasonToInstall(project({ installed: INSTALLED, withNode: false }), false),
    'the pinned Node is not there',
  );
});

test('without a lockfile there is nothing to go by', () => {
  assert.throws(() => reasonToInstall(mkdtempSync(join(tmpdir(), 'robustmq-install-')), false), /package-lock\.json/);
});
