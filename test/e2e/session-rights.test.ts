import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cheapLine } from '../../src/broker/auth/testing/cheap-hash.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';

const { notAuthorized } = ReasonCode;
const LASTING = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } };

/** Users alice, bob and carol, whose passwords are their names, and an ACL file for them. */
class Scene implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly #files: TestDirectory;

  private constructor(broker: TestBroker, files: TestDirectory) {
    this.broker = broker;
    this.#files = files;
  }

  static async open(rules: string): Promise<Scene> {
    const files = await TestDirectory.create();
    const users = ['alice', 'bob', 'carol'].map((name) => cheapLine(name, name)).join('');
    const broker = await TestBroker.start({
      'authentication.password_file': files.write('passwords', users),
      'authorization.acl_file': files.write('acl', rules),
    });
    return new Scene(broker, files);
  }

  /** By default with a session that lasts. */
  connect(userName: string, clientId = userName) {
    const { port } = this.broker;
    return RawClient.connect({ port, clientId, userName, password: Buffer.from(userName), ...LASTING });
  }

  async allow(rules: string): Promise<void> {
    this.#files.write('acl', rules);
    await this.broker.reload();
  }

  /** Carol publishes a message to each of the topics, which is its payload. */
  async publish(...topics: string[]): Promise<void> {
    await using carol = await this.connect('carol');
    for (const topic of topics) await carol.publish(topic, topic, { qos: 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    await this.#files[Symbol.asyncDispose]();
  }
}

const CAROL = 'user carol\ntopic #\n';
const BOTH = `${CAROL}user alice\ntopic read a\ntopic read b\n`;
const B_ALONE = `${CAROL}user alice\ntopic read b\n`;

describe('a session is of its user', () => {
  test('another with the same client id begins anew: no subscription, no message, no trace of the former', async () => {
    await using scene = await Scene.open(`${BOTH}user bob\ntopic read c\n`);
    await using alice = await scene.connect('alice', 'device');
    await alice.subscribe('a');
    await alice.drop();
    await scene.publish('a');
    await using bob = await scene.connect('bob', 'device');
    assert.equal(bob.connack.sessionPresent, false);
    await scene.publish('a');
    await bob.expectNothing();
  });

  test('also when the former is still connected, who is told, and when the broker was restarted in between', async () => {
    await using scene = await Scene.open(BOTH);
    await using alice = await scene.connect('alice', 'device');
    await using bob = await scene.connect('bob', 'device');
    await alice.expectDisconnect(ReasonCode.sessionTakenOver);
    assert.equal(bob.connack.sessionPresent, false);
    await scene.broker.restart();
    await using again = await scene.connect('bob', 'device');
    assert.equal(again.connack.sessionPresent, true);
    await scene.broker.restart();
    await using back = await scene.connect('alice', 'device');
    assert.equal(back.connack.sessionPresent, false);
  });
});

describe('a subscription that is no longer allowed', () => {
  test('is withheld while its client is connected, and back when it is allowed again', async () => {
    await using scene = await Scene.open(BOTH);
    await using alice = await scene.connect('alice');
    await alice.subscribe(['a', 'b']);
    await scene.allow(B_ALONE);
    await scene.publish('a', 'b');
    assert.equal(await alice.expectPayload(), 'b');
    await scene.allow(BOTH);
    await scene.publish('a');
    assert.equal(await alice.expectPayload(), 'a');
  });

  test('is withheld when its session goes on, and what it missed does not come', async () => {
    await using scene = await Scene.open(BOTH);
    await using alice = await scene.connect('alice');
    await alice.subscribe(['a', 'b']);
    await alice.drop();
    await scene.publish('a', 'b');
    await scene.allow(B_ALONE);
    await scene.broker.restart();
    await using again = await scene.connect('alice');
    assert.equal(again.connack.sessionPresent, true);
    assert.equal(await again.expectPayload(), 'b');
    await again.expectNothing();

    await again.drop();
    await scene.allow(BOTH);
    await scene.broker.restart();
    await using restored = await scene.connect('alice');
    await scene.publish('a');
    assert.deepEqual([(await restored.next()).type, await restored.expectPayload()], ['publish', 'a'], 'b comes again');
  });

  test('is gone when its client asks for it again and is refused, or unsubscribes', async () => {
    await using scene = await Scene.open(BOTH);
    await using alice = await scene.connect('alice');
    await alice.subscribe(['a', 'b']);
    await scene.allow(CAROL);
    assert.deepEqual((await alice.subscribe('a')).reasonCodes, [notAuthorized]);
    alice.send({ type: 'unsubscribe', packetId: 99, filters: ['b'], properties: {} });
    assert.deepEqual((await alice.expect('unsuback')).reasonCodes, [ReasonCode.success]);
    await scene.allow(BOTH);
    await scene.publish('a', 'b');
    await alice.expectNothing();
  });
});
