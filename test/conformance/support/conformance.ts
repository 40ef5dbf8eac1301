import { after, before, describe, test as nodeTest, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ConnackPacket, ProtocolVersion } from '../../../src/mqtt/packets.ts';
import { type ConnectOptions, RawClient } from '../../support/raw-client.ts';
import { TestBroker } from '../../support/test-broker.ts';
import type { Settings } from '../../support/test-settings.ts';

/** `host:port` of another broker to ask; left out, the tests start their own. */
export const TARGET_VARIABLE = 'ROBUSTMQ_CONFORMANCE_TARGET';
/** A broker that does not do what a test waits for ends that test alone. */
const TEST_LIMIT_MS = 30_000;
/** Not traced, as that is not asked for; a Receive Maximum that a test can pass. */
const OWN_SETTINGS: Settings = { 'telemetry.enable': false, 'mqtt.receive_maximum': 100 };
const LEVELS = { '3.1.1': 4, '5.0': 5 } as const;

export type SpecificationVersion = keyof typeof LEVELS;
type TestBody = (context: TestContext) => Promise<void>;
export type ConformanceConnect = Partial<Omit<ConnectOptions, 'port' | 'host'>>;

export interface Conformance {
  /**
   * A test whose name begins with the statements it proves: `[MQTT-3.1.0-1] [MQTT-3.1.0-2] what is seen`. The tests of a
   * file share a broker and run side by side: use `unique` for topics and client identifiers.
   */
  test(name: string, body: TestBody): void;
  /** A network connection, and no packet yet. */
  open(): Promise<RawClient>;
  /** Connected, with a CONNACK that says success. */
  connect(options?: ConformanceConnect): Promise<RawClient & { readonly connack: ConnackPacket }>;
  /** Where the broker listens, for connections that a test makes in its own way. */
  address(): Address;
  /** A name nobody else uses, good as a topic, topic level or client identifier. */
  unique(name?: string): string;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

let names = 0;

/**
 * The tests of one file. `settings` are those of a broker of ours that the tests need to be special; on another broker
 * such tests are skipped.
 */
export function conformance(version: SpecificationVersion, settings?: Settings): Conformance {
  const external = externalTarget();
  const skip =
    external !== undefined && settings !== undefined ? 'asks a broker of ours with settings of its own' : false;
  const tests: [name: string, body: TestBody][] = [];
  const clients: RawClient[] = [];
  let own: TestBroker | undefined;
  // Tests at the top of a file run one after the other; only those of a suite run side by side.
  void describe(`MQTT ${version}`, { concurrency: true }, async () => {
    // By then the file has said what its tests are.
    await setImmediate();
    if (external === undefined) {
      before(async () => {
        own = await TestBroker.start({ ...OWN_SETTINGS, ...settings });
      });
      after(() => own?.[Symbol.asyncDispose]());
    }
    after(() => Promise.all(clients.map((client) => client.drop())));
    for (const [name, body] of tests) void nodeTest(name, { skip, timeout: TEST_LIMIT_MS }, body);
  });
  const address = (): Address => external ?? { host: '127.0.0.1', port: own!.port };
  const protocolVersion: ProtocolVersion = LEVELS[version];
  const open = async (openedAs: ProtocolVersion = protocolVersion): Promise<RawClient> => {
    const client = await RawClient.open(address().port, openedAs, address().host);
    clients.push(client);
    return client;
  };
  return {
    test: (name, body) => void tests.push([name, body]),
    open: () => open(),
    connect: async (options = {}) => (await open(options.protocolVersion)).handshake(options),
    address,
    unique: (name = 'name') => {
      names += 1;
      return `${name}-${process.pid}-${names}`;
    },
  };
}

function externalTarget(): Address | undefined {
  const value = process.env[TARGET_VARIABLE];
  if (value === undefined) return undefined;
  const colon = value.lastIndexOf(':');
  return { host: value.slice(0, colon), port: Number(value.slice(colon + 1)) };
}
