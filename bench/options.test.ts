import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions } from './options.ts';

describe('options of the bench', () => {
  it('default to all scenarios, all brokers, three rounds', () => {
    const { scenario, brokers, rounds } = parseOptions([], ['a']);
    assert.deepEqual([scenario, brokers, rounds], [[], ['robustmq', 'mosquitto', 'aedes'], 3]);
  });

  it('take several scenarios, and brokers and collectors by commas', () => {
    const options = parseOptions(
      ['--scenario', 'a', 'b', '--brokers', 'mosquitto,aedes', '--otlp', 'sink,dead', '--seconds', '0.5', '--json'],
      [],
    );
    assert.deepEqual(
      [options.scenario, options.brokers, options.otlp, options.seconds, options.json],
      [['a', 'b'], ['mosquitto', 'aedes'], ['sink', 'dead'], 0.5, true],
    );
  });
});
