import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCycles } from './import-rules/cycles.ts';
import { checkLayers } from './import-rules/layers.ts';
import { checkPurity } from './import-rules/purity.ts';
import { parseSourceFile } from './source/source-file.ts';

function layers(path: string, specifier: string): string[] {
  return checkLayers([parseSourceFile(path, `import type { A } from '${specifier}';`)]).map(({ message }) => message);
}

function purity(path: string, text: string): string[] {
  return checkPurity([parseSourceFile(path, text)]).map(({ message }) => message);
}

describe('import direction', () => {
  const refused: [string, string, RegExp][] = [
    ['src/base/clock.ts', '../mqtt/packet.ts', /imports nothing of ours/],
    ['src/mqtt/codec.ts', '../telemetry/recorder.ts', /only base/],
    ['src/telemetry/recorder.ts', '../broker/router.ts', /imports run one way/],
    ['src/journal/journal.ts', '../placement/placement.ts', /never sees the broker or placement/],
    ['src/placement/placement.ts', '../broker/router.ts', /never sees the broker or the journal/],
    ['src/admin/server.ts', '../broker/router.ts', /imports run one way/],
    ['src/broker/delivery.ts', '../journal/engines/segment/log.ts', /engines are chosen in the composition root/],
    ['src/journal/service.ts', './engines/memory.ts', /engines are chosen in the composition root/],
    ['src/broker/delivery.ts', '../journal/grpc/client.ts', /through the port files/],
    ['src/broker/delivery.ts', '../server.ts', /composition root/],
    ['src/broker/delivery.ts', '../../bench/client.ts', /src imports only src/],
    ['src/broker/delivery.ts', './router.test.ts', /cannot live in a test/],
    ['src/novelty/thing.ts', '../base/clock.ts', /no place in the import direction/],
  ];
  for (const [from, specifier, why] of refused) {
    it(`refuses ${specifier} in ${from}`, () => {
      const messages = layers(from, specifier);
      assert.equal(messages.length, 1);
      assert.match(messages[0]!, why);
    });
  }

  const allowed: [string, string][] = [
    ['src/server.ts', './journal/engines/segment/log.ts'],
    ['src/broker/delivery.test.ts', '../journal/engines/memory/memory-journal.ts'],
    ['src/broker/delivery.ts', '../journal/journal.ts'],
    ['src/journal/engines/segment/log.ts', './segment-format.ts'],
    ['src/journal/engines/segment/log.ts', '../../journal.ts'],
    ['src/cli/start.ts', '../server.ts'],
    ['src/mqtt/codec.ts', '../base/errors.ts'],
    ['test/e2e/pubsub.test.ts', '../../src/server.ts'],
  ];
  for (const [from, specifier] of allowed) {
    it(`allows ${specifier} in ${from}`, () => assert.deepEqual(layers(from, specifier), []));
  }
});

describe('purity', () => {
  const refused: [string, string, RegExp][] = [
    ['src/mqtt/codec.ts', `import { Socket } from 'node:net';`, /imports node:net/],
    ['src/mqtt/codec.ts', `import pino from 'pino';`, /imports pino/],
    ['src/broker/session/session.ts', `import { record } from '../../telemetry/recorder.ts';`, /telemetry/],
    ['src/broker/session.ts', `import type { Clock } from '../base/clock.ts';`, /clock/],
    ['src/broker/router.ts', 'const now = Date.now();', /reads a clock/],
    ['src/broker/router/trie.ts', 'setTimeout(f, 1);', /schedules work/],
    ['src/journal/engines/segment/segment-format.ts', 'const id = Math.random();', /randomness/],
    ['src/journal/record-batch.ts', 'const home = process.env.HOME;', /touches the process/],
  ];
  for (const [path, text, why] of refused) {
    it(`refuses ${text} in ${path}`, () => {
      const messages = purity(path, text);
      assert.equal(messages.length, 1);
      assert.match(messages[0]!, why);
    });
  }

  it('allows what computes alone, and says nothing of the shells', () => {
    assert.deepEqual(purity('src/mqtt/codec.ts', `import { Buffer } from 'node:buffer';`), []);
    assert.deepEqual(purity('src/mqtt/codec.ts', '// Date.now() would be a clock'), []);
    assert.deepEqual(purity('src/broker/connection.ts', `import { Socket } from 'node:net';`), []);
  });
});

describe('cycles', () => {
  const file = (name: string, ...imported: string[]) =>
    parseSourceFile(`src/base/${name}.ts`, imported.map((other) => `import './${other}.ts';`).join('\n'));

  it('shows the ring', () => {
    const [found, ...more] = findCycles([file('a', 'b'), file('b', 'c'), file('c', 'b')]);
    assert.match(found!.message, /src\/base\/b\.ts → src\/base\/c\.ts → src\/base\/b\.ts/);
    assert.deepEqual(more, []);
  });

  it('tells rings that share a file once', () => {
    assert.equal(findCycles([file('a', 'b', 'c'), file('b', 'a'), file('c', 'a')]).length, 1);
  });

  it('is content with a diamond', () => {
    assert.deepEqual(findCycles([file('a', 'b', 'c'), file('b', 'd'), file('c', 'd'), file('d')]), []);
  });
});
