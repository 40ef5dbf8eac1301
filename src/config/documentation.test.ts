import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderConfigTable, renderExampleToml } from './documentation.ts';
import { loadConfig } from './load-config.ts';
import { fieldsOf, knownKeys, metadataOf } from './schema-walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'robustmq-example-'));

function load(toml: string) {
  const file = join(folder, 'robustmq.toml');
  writeFileSync(file, toml);
  return loadConfig({ file, environment: {} });
}

test('the example file parses back to the defaults', () => {
  assert.deepEqual(load(renderExampleToml()), loadConfig({ environment: {} }));
});

test('the example file is right in its commented keys too', () => {
  const uncommented = renderExampleToml()
    .replaceAll(/^# (\[\[.*|[a-z_]+ = .*)$/gm, '$1')
    // What the others need, and of those that exclude one another the first.
    .replace('transport = "tcp"', 'transport = "wss"')
    .replace('client_certificates = "none"', 'client_certificates = "required"')
    .replaceAll(/^(public_key_file|jwks_file|jwks_url) = .*$/gm, '');
  const config = load(uncommented);
  assert.equal(config.authentication.passwordFile, './passwords');
  assert.deepEqual(config.topicRules, [{ filter: 'telemetry/#', durable: false }]);
  assert.equal(config.authorization.rules[0]!.address, '10.0.0.0/8');
});

test('every key is described, in the table and in the example', () => {
  const table = renderConfigTable();
  const example = renderExampleToml();
  for (const { path, schema } of knownKeys()) {
    const { description } = metadataOf(schema);
    assert.ok(description, `${path.join('.')} has a description`);
    assert.ok(example.includes(description));
    const isLeaf = fieldsOf(schema) === undefined && !knownKeys(schema).length;
    if (isLeaf) assert.match(table, new RegExp(`^\\| \`[^\`]*${path.at(-1)}\` \\|`, 'm'));
  }
});
