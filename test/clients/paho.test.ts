import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestBroker } from '../support/test-broker.ts';
import { TlsFiles } from '../support/tls-files.ts';
import { TRANSPORTS, type TransportName } from '../support/transports.ts';
import { ClientProgram, skipWithout } from './support/client-program.ts';

/** Where Debian's package installs paho. */
const PYTHON = '/usr/bin/python3';
const SCENARIOS = join(import.meta.dirname, 'support', 'paho_scenarios.py');

let files: TlsFiles;
let broker: TestBroker;
before(async () => {
  files = await TlsFiles.create();
  broker = await TestBroker.start({}, files.listeners(TRANSPORTS));
});
after(async () => {
  await broker[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

/** The values that the scenario prints must be these, in order. */
async function expectScenario(
  name: string,
  version: number,
  expected: readonly unknown[],
  transport: TransportName = 'tcp',
): Promise<void> {
  const parameters = [name, String(broker.portOfListener(transport)), String(version), transport, files.path('ca.crt')];
  await using program = new ClientProgram(PYTHON, ['-B', SCENARIOS, ...parameters]);
  const { code, errors } = await program.exited;
  assert.equal(code, 0, errors);
  for (const value of expected) assert.deepEqual(JSON.parse(await program.line(/./)), value);
}

describe('paho for Python', { skip: skipWithout('paho-mqtt') }, () => {
  for (const version of [4, 5]) {
    for (const transport of TRANSPORTS) {
      test(`MQTT ${version}, ${transport}: messages of every QoS`, () =>
        expectScenario(
          'exchange',
          version,
          [0, 1, 2].map((qos) => [`paho/exchange/${version}/${qos}`, `hello ${qos}`, qos, false]),
          transport,
        ));

      test(`MQTT ${version}, ${transport}: a will, discarded by goodbye and published without`, () =>
        expectScenario(
          'will',
          version,
          [
            [`paho/will/${version}`, 'marker', 1, false],
            [`paho/will/${version}`, 'gone', 1, false],
          ],
          transport,
        ));
    }

    test(`MQTT ${version}: a retained message, and its end`, () =>
      expectScenario('retained', version, [
        [`paho/retained/${version}`, 'kept', 1, true],
        [`paho/retained/${version}`, '', 1, false],
      ]));

    test(`MQTT ${version}: a persistent session`, () =>
      expectScenario('persistent', version, [
        false,
        true,
        [`paho/persistent/${version}`, 'missed 1', 1, false],
        [`paho/persistent/${version}`, 'missed 2', 2, false],
      ]));
  }

  test('MQTT 5: properties, with the order of user properties', () =>
    expectScenario('properties', 5, [
      [
        'text/plain',
        'answers',
        'c-1',
        [
          ['b', '2'],
          ['a', '1'],
          ['b', '2'],
        ],
      ],
    ]));
});
