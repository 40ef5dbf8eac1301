import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startTestAdmin } from '../admin/testing/test-admin.ts';
import { CommandWorld } from './testing/run-command.ts';

const admin = await startTestAdmin();
after(() => admin.close());

/** A broker that drains as it is told. */
function willingBroker(clientsLeft: number): unknown[] {
  const calls: unknown[] = [];
  let status: object = { type: 'off' };
  admin.drain = {
    get status() {
      return status;
    },
    start(options) {
      calls.push(options);
      status = { type: 'draining', ...options, clientsLeft };
    },
    stop() {
      calls.push('stop');
      status = { type: 'off' };
    },
  };
  return calls;
}

async function drain(...parameters: string[]) {
  const world = new CommandWorld();
  const exitCode = await world.run('drain', '--url', admin.url, ...parameters);
  return { exitCode, output: world.stdout.text, errors: world.stderr.text };
}

describe('robustmq drain', () => {
  it('asks the broker and says in a sentence how far it is', async () => {
    const calls = willingBroker(3);
    assert.deepEqual(await drain('--server-reference', 'b:1883', '--rate', '5/s'), {
      exitCode: 0,
      output: 'Draining to b:1883 at 5 clients a second: 3 still connected.\n',
      errors: '',
    });
    assert.equal((await drain('--rate', '0.5')).output, 'Draining at 0.5 clients a second: 3 still connected.\n');
    assert.match((await drain('--status')).output, /^Draining at 0\.5/);
    assert.equal((await drain('--stop')).output, 'Not draining: clients are taken.\n');
    assert.match((await drain()).output, /^Draining at 100 clients a second/);
    assert.deepEqual(calls, [
      { serverReference: 'b:1883', ratePerSecond: 5 },
      { ratePerSecond: 0.5 },
      'stop',
      { ratePerSecond: 100 },
    ]);
    willingBroker(0);
    assert.equal((await drain()).output, 'Drained: no client is connected.\n');
  });

  it('says what is wrong with its options, and with a broker it does not reach', async () => {
    const calls = willingBroker(3);
    for (const [parameters, code, sentence] of [
      [['--rate', 'fast'], 64, /Expected clients a second/],
      [['--rate', '0'], 64, /Expected clients a second/],
      [['--stop', '--status'], 64, /stand alone/],
      [['--stop', '--rate', '5'], 64, /stand alone/],
      [['--server-reference', 'a  b'], 64, /--server-reference a {2}b: expected host:port/],
      [['--url', 'http://127.0.0.1:1'], 69, /No broker answers/],
    ] as const) {
      const { exitCode, output, errors } = await drain(...parameters);
      assert.equal(exitCode, code, errors);
      assert.match(errors, sentence);
      assert.equal(output, '');
    }
    assert.deepEqual(calls, []);
  });
});
