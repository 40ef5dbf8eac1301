import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Accepted, TransportServer } from '../../../test/support/transport-server.ts';
import { type ConnectingOptions, openWebSocket } from '../../../test/support/transports.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';

const openServer = (options: Parameters<typeof TransportServer.open>[0] = {}, maximumPacketSize = 1000) =>
  TransportServer.open({ transport: 'ws', ...options }, undefined, maximumPacketSize);

async function open(listener: TransportServer): Promise<{ client: WebSocket; broker: Accepted }> {
  const client = openWebSocket('ws', listener.port);
  await once(client, 'open');
  return { client, broker: await listener.accepted() };
}

/** The status with which an upgrade was answered: 101 where it succeeded. */
async function statusOf(listener: TransportServer, options: ConnectingOptions): Promise<number> {
  const client = openWebSocket('ws', listener.port, options);
  const { promise, resolve } = Promise.withResolvers<number>();
  client.on('upgrade', () => resolve(101));
  client.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
  client.on('error', () => undefined);
  const status = await promise;
  client.terminate();
  return status;
}

const closeCodeOf = async (client: WebSocket): Promise<number> => (await once(client, 'close'))[0] as number;

describe('a WebSocket handshake', () => {
  for (const [offered, chosen] of [
    [['mqtt'], 'mqtt'],
    [['mqttv3.1'], 'mqttv3.1'],
    [['chat', 'mqttv3.1', 'mqtt'], 'mqtt'],
  ] as const)
    it(`takes a client that offers ${offered.join(', ')} as ${chosen} [MQTT-6.0.0-3] [MQTT-6.0.0-4]`, async () => {
      await using listener = await openServer();
      const client = openWebSocket('ws', listener.port, { protocols: offered });
      await once(client, 'open');
      assert.equal(client.protocol, chosen);
      client.terminate();
    });

  for (const protocols of [[], ['chat'], ['MQTT']])
    it(`refuses a client that offers ${protocols.join() || 'no subprotocol'}`, async () => {
      await using listener = await openServer();
      assert.equal(await statusOf(listener, { protocols }), 400);
      assert.deepEqual(listener.failures, ['subprotocol']);
    });

  for (const [path, status] of [
    ['/mqtt', 101],
    ['/mqtt?token=1', 101],
    ['/', 404],
    ['/mqtt/', 404],
    ['/MQTT', 404],
  ] as const)
    it(`answers ${path} with ${status}`, async () => {
      await using listener = await openServer();
      assert.equal(await statusOf(listener, { path }), status);
      assert.deepEqual(listener.failures, status === 101 ? [] : ['path']);
    });

  for (const [origin, status] of [
    ['https://app.example', 101],
    [undefined, 101],
    ['https://app.example:8443', 403],
    ['http://app.example', 403],
    ['null', 403],
  ] as const)
    it(`from ${origin ?? 'a program, without origin'}: ${status} where origins are limited, 101 where not`, async () => {
      const options = origin === undefined ? {} : { origin };
      await using limited = await openServer({ allowedOrigins: ['https://app.example'] });
      assert.equal(await statusOf(limited, options), status);
      assert.deepEqual(limited.failures, status === 101 ? [] : ['origin']);
      await using free = await openServer();
      assert.equal(await statusOf(free, options), 101);
    });

  for (const [method, path, status] of [
    ['GET', '/mqtt', 426],
    ['POST', '/mqtt', 426],
    ['GET', '/', 404],
  ] as const)
    it(`answers a plain ${method} ${path} with ${status}, reads no body and closes`, async () => {
      await using listener = await openServer();
      const asked = request({
        host: '127.0.0.1',
        port: listener.port,
        method,
        path,
        headers: { 'Content-Length': 9e9 },
      });
      asked.on('error', () => undefined);
      asked.flushHeaders();
      const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
      assert.equal(response.statusCode, status);
      assert.equal(response.headers.connection, 'close');
      response.resume();
      await once(response.socket, 'close');
      assert.equal((await (await listener.accepted()).ended()).label, 'handshake_failed');
    });

  for (const [what, bytes, status] of [
    ['MQTT', Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x63]), 400],
    ['another version of WebSocket', upgradeWith('Sec-WebSocket-Version: 8'), 426],
    ['a key that is none', upgradeWith('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short'), 400],
    [
      'an upgrade to something else',
      Buffer.from(`${'GET /mqtt HTTP/1.1\r\nConnection: Upgrade\r\n'}Upgrade: h2c\r\n\r\n`),
      426,
    ],
    [
      'a plain request that expects more',
      Buffer.from('GET /mqtt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n'),
      426,
    ],
    ['an expectation that nobody knows', Buffer.from('GET /mqtt HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n'), 426],
    ['a request for a tunnel', Buffer.from('CONNECT example:443 HTTP/1.1\r\nHost: x\r\n\r\n'), 400],
    ['headers without end', Buffer.from(`GET /mqtt HTTP/1.1\r\nCookie: ${'x'.repeat(20_000)}`), 400],
  ] as const)
    it(`answers ${what} with ${status}`, async () => {
      await using listener = await openServer();
      const client = connect(listener.port, '127.0.0.1');
      client.on('error', () => undefined);
      client.write(bytes);
      const [answer] = (await once(client, 'data')) as [Buffer];
      assert.match(String(answer), new RegExp(`^HTTP/1\\.1 ${status} `));
      if (!client.destroyed) await once(client, 'close');
      assert.deepEqual(listener.failures, ['not_websocket']);
    });

  it('that the client breaks off fails', async () => {
    await using listener = await openServer();
    const client = connect(listener.port, '127.0.0.1');
    await once(client, 'connect');
    client.write('GET /mqtt HTTP/1.1\r\n');
    await listener.accepted();
    client.destroy();
    assert.equal(await listener.failure(), 'client_closed');
  });

  it('that does not end is ended by the time a connection has for its CONNECT, and counted once', async () => {
    await using listener = await openServer();
    const client = connect(listener.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.resume().write('GET /mqtt HTTP/1.1\r\n');
    (await listener.accepted()).transport.close(CLOSE_REASONS.connectTimeout);
    await once(client, 'close');
    assert.deepEqual(listener.failures, ['timeout']);
  });
});

function upgradeWith(...headers: string[]): Buffer {
  const all = [
    'GET /mqtt HTTP/1.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Protocol: mqtt',
    ...headers,
  ];
  return Buffer.from(`${all.join('\r\n')}\r\n\r\n`);
}

describe('WebSocket frames', () => {
  it('that hold text end the connection [MQTT-6.0.0-1]', async () => {
    await using listener = await openServer();
    const { client, broker } = await open(listener);
    client.send('text');
    assert.equal(await closeCodeOf(client), 1003);
    assert.equal((await broker.ended()).label, 'protocol_error');
    assert.equal(broker.receivedBytes, 0);
  });

  it('in pieces are one message [MQTT-6.0.0-2]', async () => {
    await using listener = await openServer();
    const { client, broker } = await open(listener);
    client.send('ab', { binary: true, fin: false });
    client.send('cd', { binary: true, fin: true });
    assert.equal(String(await broker.bytes(4)), 'abcd');
    client.terminate();
  });

  it('may hold the largest packet and a buffer more, and end the connection beyond', async () => {
    await using listener = await openServer({}, 1000);
    const { client, broker } = await open(listener);
    client.send(Buffer.alloc(1000 + 65_536));
    await broker.bytes(1000 + 65_536);
    client.send(Buffer.alloc(1000 + 65_537));
    assert.equal(await closeCodeOf(client), 1009);
    assert.equal((await broker.ended()).label, 'packet_too_large');
    assert.equal(broker.receivedBytes, 1000 + 65_536);
  });

  it('in more pieces than anyone needs end the connection', async () => {
    await using listener = await openServer({}, 1_000_000);
    const { client, broker } = await open(listener);
    for (let piece = 0; piece < 5000; piece += 1) client.send('x', { binary: true, fin: false });
    assert.equal(await closeCodeOf(client), 1008);
    assert.equal((await broker.ended()).label, 'protocol_error');
  });

  it('of a large packet may come in as many pieces as 1 KiB each makes of it', async () => {
    await using listener = await openServer({}, 5_000_000);
    const { client, broker } = await open(listener);
    for (let piece = 1; piece < 4500; piece += 1) client.send(Buffer.alloc(1024), { fin: false });
    client.send(Buffer.alloc(1024));
    await broker.bytes(4500 * 1024);
    client.terminate();
  });

  it('that trickle in byte by byte end the connection before looking for their end takes long', async () => {
    await using listener = await openServer({}, 1_000_000);
    const client = connect({ host: '127.0.0.1', port: listener.port, noDelay: true });
    client.on('error', () => undefined);
    client.resume().write(upgradeWith('Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${'A'.repeat(22)}==`));
    await once(client, 'data');
    const broker = await listener.accepted();
    client.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    for (let piece = 0; piece < 20_000 && broker.reasons.length === 0; piece += 1) {
      client.write(Buffer.of(0));
      await nextTurn();
    }
    client.destroy();
    assert.equal(broker.reasons[0]?.label, 'protocol_error');
  });

  it('may have pings between their pieces, but not without end: each piece keeps what was read with it', async () => {
    await using listener = await openServer({}, 1_000_000);
    const { client, broker } = await open(listener);
    for (let ping = 0; ping < 1000; ping += 1) client.pong(Buffer.alloc(125));
    client.send('x', { binary: true, fin: false });
    for (let ping = 0; ping < 1000; ping += 1) client.pong(Buffer.alloc(125));
    client.send('y', { binary: true, fin: true });
    await broker.bytes(2);
    for (let ping = 0; ping < 10_000; ping += 1) client.pong(Buffer.alloc(125));
    assert.equal(await closeCodeOf(client), 1008);
    assert.equal((await broker.ended()).label, 'protocol_error');
  });

  it('against the rules of RFC 6455 end the connection', async () => {
    await using listener = await openServer();
    const { client, broker } = await open(listener);
    // A client must mask what it sends.
    client.send('ab', { binary: true, mask: false });
    assert.equal(await closeCodeOf(client), 1002);
    assert.equal((await broker.ended()).label, 'protocol_error');
  });

  it('are answered where they ask for it', async () => {
    await using listener = await openServer();
    const { client } = await open(listener);
    client.ping('are you there');
    const [answer] = (await once(client, 'pong')) as [Buffer];
    assert.equal(String(answer), 'are you there');
    client.terminate();
  });
});

describe('the end of a WebSocket', () => {
  const reasons: readonly (readonly [CloseReason, number])[] = [
    [CLOSE_REASONS.clientDisconnect, 1000],
    [CLOSE_REASONS.sessionTakenOver, 1000],
    [CLOSE_REASONS.serverShutdown, 1001],
    [CLOSE_REASONS.protocolError, 1002],
    [CLOSE_REASONS.malformedPacket, 1002],
    [CLOSE_REASONS.notAuthorized, 1008],
    [CLOSE_REASONS.keepAliveTimeout, 1008],
    [CLOSE_REASONS.packetTooLarge, 1009],
    [CLOSE_REASONS.serverError, 1011],
  ];
  for (const [reason, code] of reasons)
    it(`has code ${code} for ${reason.label}`, async () => {
      await using listener = await openServer();
      const { client, broker } = await open(listener);
      broker.transport.close(reason);
      assert.equal(await closeCodeOf(client), code);
    });

  it('comes also while nothing was read, and what comes behind it is not looked at', async () => {
    await using listener = await openServer();
    const { client, broker } = await open(listener);
    broker.reading = false;
    client.send(Buffer.from('1'));
    await broker.bytes(1);
    client.send(Buffer.from('2'));
    broker.transport.close(CLOSE_REASONS.clientDisconnect);
    assert.equal(await closeCodeOf(client), 1000);
    assert.equal(broker.receivedBytes, 1);
  });

  it('does not wait for a client that goes on with pings', async () => {
    await using listener = await openServer();
    const { client, broker } = await open(listener);
    const closed = once(client, 'close');
    client.on('error', () => undefined);
    client.pause();
    broker.transport.close(CLOSE_REASONS.clientDisconnect);
    for (let ping = 0; ping < 30_000 && client.readyState === WebSocket.OPEN; ping += 1) {
      client.pong(Buffer.alloc(125));
      if (ping % 100 === 0) await nextTurn();
    }
    assert.notEqual(client.readyState, WebSocket.OPEN);
    client.resume();
    await closed;
  });

  it('is told when the client closes', async () => {
    await using listener = await openServer();
    const { client, broker } = await open(listener);
    client.close(1000);
    assert.equal((await broker.ended()).label, 'client_closed');
  });
});
