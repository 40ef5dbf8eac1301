import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { connectPacket, payloadOf, publishPacket, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';
import { TlsFiles } from '../support/tls-files.ts';
import { connectOver, openWebSocket, TRANSPORTS, type TransportName } from '../support/transports.ts';

const SCHEMES = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' } as const;

let files: TlsFiles;
before(async () => {
  files = await TlsFiles.create();
});
after(() => files[Symbol.asyncDispose]());

/** Over this transport, not yet connected in MQTT's sense. */
async function open(broker: TestBroker, transport: TransportName, version: 4 | 5 = 5): Promise<RawClient> {
  const stream = await connectOver(transport, broker.portOfListener(transport), { ca: files.authority.certificate });
  return RawClient.over(stream, version);
}

async function connected(broker: TestBroker, transport: TransportName, version: 4 | 5 = 5): Promise<RawClient> {
  const client = await open(broker, transport, version);
  client.sendConnect({});
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
  return client;
}

describe('every transport', () => {
  let broker: TestBroker;
  before(async () => {
    broker = await TestBroker.start({}, files.listeners(TRANSPORTS));
  });
  after(() => broker[Symbol.asyncDispose]());

  for (const transport of TRANSPORTS) {
    for (const version of [4, 5] as const)
      test(`${transport}: messages of every QoS, to itself and to the others, MQTT ${version}`, async () => {
        await using client = await connected(broker, transport, version);
        await client.subscribe(`every/${transport}/${version}`);
        for (const other of TRANSPORTS) {
          await using publisher = await connected(broker, other, version);
          for (const qos of [0, 1, 2] as const) {
            await publisher.publish(`every/${transport}/${version}`, `${other} ${qos}`, { qos });
            const message = await client.receive();
            assert.deepEqual([payloadOf(message), message.qos], [`${other} ${qos}`, qos]);
          }
        }
      });

    test(`${transport}: a message of 200 KiB`, async () => {
      await using client = await connected(broker, transport);
      await client.subscribe(`large/${transport}`);
      const payload = Buffer.alloc(200 * 1024, 'large');
      for (const qos of [0, 1, 2] as const) {
        const [message] = await Promise.all([client.receive(), client.publish(`large/${transport}`, payload, { qos })]);
        assert.ok(payload.equals(message.payload));
      }
    });

    test(`${transport}: many packets in one write, behind a CONNECT that is not answered yet [MQTT-6.0.0-2]`, async () => {
      await using client = await open(broker, transport);
      const topic = `together/${transport}`;
      const subscription = {
        filter: topic,
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      } as const;
      const numbers = Array.from({ length: 500 }, (_, number) => String(number));
      client.send(
        connectPacket({}),
        { type: 'subscribe', packetId: 1, subscriptions: [subscription], properties: {} },
        ...numbers.map((text) => publishPacket(topic, text, {}, () => 0)),
      );
      await client.expect('connack');
      await client.expect('suback');
      for (const text of numbers) assert.equal(await client.expectPayload(), text);
    });

    test(`${transport}: byte by byte [MQTT-6.0.0-2]`, async () => {
      await using client = await open(broker, transport);
      const bytes = Buffer.concat([encodePacket(connectPacket({}), 5), encodePacket({ type: 'pingreq' }, 5)]);
      for (const byte of bytes) {
        client.sendBytes(Buffer.from([byte]));
        await nextTurn();
      }
      await client.expect('connack');
      await client.expect('pingresp');
    });

    test(`${transport}: a packet that cannot be read is answered, then the connection ends`, async () => {
      await using client = await connected(broker, transport);
      client.sendBytes(Buffer.from([0x00, 0x00]));
      await client.expectDisconnect(ReasonCode.malformedPacket);
    });

    for (const protocolVersion of [4, 5] as const)
      test(`${transport}: mqtt.js, MQTT ${protocolVersion}`, async () => {
        await using client = await MqttJsClient.connect(broker.portOfListener(transport), {
          protocol: SCHEMES[transport],
          protocolVersion,
          path: '/mqtt',
          ca: files.authority.certificate,
        });
        const topic = `mqtt.js/${transport}/${protocolVersion}`;
        await client.client.subscribeAsync(topic, { qos: 2 });
        for (const qos of [0, 1, 2] as const) {
          await client.client.publishAsync(topic, `hello ${qos}`, { qos });
          const { text, packet } = await client.next();
          assert.deepEqual([text, packet.qos], [`hello ${qos}`, qos]);
        }
      });
  }

  for (const transport of ['ws', 'wss'] as const)
    test(`${transport}: a text frame ends the connection [MQTT-6.0.0-1]`, async () => {
      const options = { ca: files.authority.certificate };
      const client = openWebSocket(transport, broker.portOfListener(transport), options);
      await once(client, 'open');
      client.send(encodePacket(connectPacket({}), 5));
      await once(client, 'message');
      client.send('text');
      const [message] = (await once(client, 'message')) as [Buffer];
      assert.deepEqual([message[0], message[2]], [0xe0, ReasonCode.protocolError]);
      assert.equal((await once(client, 'close'))[0], 1003);
    });
});

describe('a transport that shakes hands', () => {
  const metric = async (broker: TestBroker, name: string): Promise<number> => {
    const exposition = await (await fetch(`${broker.adminUrl}/metrics`)).text();
    return Number(
      exposition
        .split('\n')
        .find((line) => line.startsWith(`robustmq_${name} `))
        ?.split(' ')[1],
    );
  };
  const failuresOf = (broker: TestBroker, reason: string): Promise<number> =>
    metric(broker, `handshake_failures_total{reason="${reason}"}`);

  for (const transport of ['tls', 'ws', 'wss'] as const) {
    test(`${transport}: counts as a connection from its first byte on, and has the time of a CONNECT for both`, async () => {
      const settings = { 'mqtt.connect_timeout_ms': 100, 'authentication.failure_delay_ms': 50 };
      await using broker = await TestBroker.start(settings, files.listeners([transport]));
      const silent = connectTcp(broker.portOfListener(transport), '127.0.0.1').resume();
      silent.on('error', () => undefined);
      const closed = once(silent, 'close');
      await once(silent, 'connect');
      while ((await metric(broker, 'connections')) !== 1) await nextTurn();
      await closed;
      assert.equal(await failuresOf(broker, 'timeout'), 1);
      await using client = await connected(broker, transport);
      await client.expectNothing();
    });

    test(`${transport}: plain MQTT is refused, and the failure counted`, async () => {
      await using broker = await TestBroker.start({}, files.listeners([transport]));
      const socket = connectTcp(broker.portOfListener(transport), '127.0.0.1').resume();
      socket.on('error', () => undefined);
      socket.write(encodePacket(connectPacket({}), 5));
      await once(socket, 'close');
      assert.equal(await failuresOf(broker, transport === 'ws' ? 'not_websocket' : 'not_tls'), 1);
    });
  }
});

test('at its end the broker closes connections of every kind, those that still shake hands too', async () => {
  await using broker = await TestBroker.start({}, files.listeners(TRANSPORTS));
  const clients = [];
  for (const transport of TRANSPORTS) clients.push(await connected(broker, transport));
  const page = openWebSocket('ws', broker.portOfListener('ws'));
  await once(page, 'open');
  const silent = TRANSPORTS.map((transport) => connectTcp(broker.portOfListener(transport), '127.0.0.1').resume());
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  const closed = Promise.all(silent.map((socket) => once(socket, 'close')));
  const pageClosed = once(page, 'close');
  await broker.stop();
  for (const client of clients) await client.expectDisconnect(ReasonCode.serverShuttingDown);
  assert.equal((await pageClosed)[0], 1001);
  await closed;
});

describe('client certificates', () => {
  test('name the user, for whom the access rules speak', async () => {
    const rules = [
      '[[authorization.rules]]\npermission = "allow"\naction = "all"\ntopics = ["devices/%u/#"]\nuser = "device-1"\n',
    ];
    const listener = files
      .listeners(['tls'], 'required')
      .replace('port = 0', 'port = 0\nauthentication = ["certificate"]');
    await using broker = await TestBroker.start({}, [listener, ...rules].join('\n'));
    const { certificate: cert, key } = await files.authority.issue('CN=device-1');
    const options = { ca: files.authority.certificate, cert, key };
    await using client = RawClient.over(await connectOver('tls', broker.portOfListener('tls'), options));
    client.sendConnect({});
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
    assert.equal(await client.publish('devices/device-1/state', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    assert.equal(await client.publish('devices/device-2/state', 'x', { qos: 1 }), ReasonCode.notAuthorized);
  });
});

describe('certificates that are read again', () => {
  const subjectOver = async (broker: TestBroker, transport: 'tls' | 'wss'): Promise<string> => {
    const options = { ca: files.authority.certificate };
    if (transport === 'tls') {
      const socket = (await connectOver('tls', broker.portOfListener('tls'), options)) as TLSSocket;
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    }
    const webSocket = openWebSocket('wss', broker.portOfListener('wss'), options);
    const [response] = (await once(webSocket, 'upgrade')) as [import('node:http').IncomingMessage];
    const { CN } = (response.socket as TLSSocket).getPeerCertificate().subject;
    webSocket.terminate();
    return String(CN);
  };

  for (const transport of ['tls', 'wss'] as const)
    test(`${transport}: are for new connections; a broken file keeps the old ones; open connections stay`, async () => {
      await files.renewServer('CN=first');
      await using broker = await TestBroker.start({}, files.listeners([transport]));
      await using client = await connected(broker, transport);
      assert.equal(await subjectOver(broker, transport), 'first');
      await files.renewServer('CN=second');
      await broker.reload();
      assert.equal(await subjectOver(broker, transport), 'second');
      files.write('server.crt', 'broken');
      await assert.rejects(
        broker.reload(),
        /listeners\.0\.tls\.certificate_file = ".*server\.crt": must be a PEM file/,
      );
      assert.equal(await subjectOver(broker, transport), 'second');
      await client.expectNothing();
    });

  test('a client that was revoked meanwhile stays, and does not come again', async () => {
    await files.renewServer();
    await files.revoke();
    await using broker = await TestBroker.start({}, files.listeners(['tls'], 'required'));
    const device = await files.authority.issue('CN=device-1');
    const options = { ca: files.authority.certificate, cert: device.certificate, key: device.key };
    const port = broker.portOfListener('tls');
    await using client = RawClient.over(await connectOver('tls', port, options));
    client.sendConnect({});
    await client.expect('connack');
    await files.revoke(device);
    await broker.reload();
    await client.expectNothing();
    // In TLS 1.3 the client is done before the server has looked at its certificate.
    await using refused = RawClient.over(await connectOver('tls', port, options));
    refused.sendConnect({});
    await refused.expectClose();
  });

  test('on SIGHUP, and what is wrong is told', async () => {
    await files.renewServer('CN=first');
    await using directory = await TestDirectory.create();
    await using broker = await BrokerProcess.start({ directory, toml: files.listeners(['tls']) });
    assert.match(broker.output, /MQTT +mqtts:\/\/127\.0\.0\.1:\d+ /);
    const subject = async (): Promise<string> => {
      const socket = await connectOver('tls', broker.port, { ca: files.authority.certificate });
      const { CN } = (socket as TLSSocket).getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };
    assert.equal(await subject(), 'first');
    await files.renewServer('CN=second');
    process.kill(broker.pid, 'SIGHUP');
    while ((await subject()) !== 'second') await nextTurn();
    files.write('server.key', 'broken');
    process.kill(broker.pid, 'SIGHUP');
    while (!broker.errors.includes('not reloaded')) await nextTurn();
    assert.match(
      broker.errors,
      /not reloaded: .*\n.*listeners\.0\.tls\.key_file = ".*server\.key": must be a PEM file/,
    );
    assert.equal(await subject(), 'second');
    assert.deepEqual(await broker.kill(), { code: 0, signal: null });
  });
});
