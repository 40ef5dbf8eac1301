import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { loadConfig } from '../config/load-config.ts';
import { ListenError, Listener } from './listener.ts';
import type { Transport } from './transport/transport.ts';

const ANY_PORT = { ...loadConfig({ environment: {} }).listeners[0]!, name: 'test', port: 0 };

function listenErrorOf(promise: Promise<unknown>): Promise<ListenError> {
  return promise.then(
    () => assert.fail('it must not listen'),
    (error: unknown) => {
      assert.ok(error instanceof ListenError);
      return error;
    },
  );
}

describe('a listener', () => {
  it('says where it really listens', async () => {
    const listener = await Listener.open(ANY_PORT, () => assert.fail('nobody connects'));
    const { name, address, port } = listener.address;
    listener.stop();
    assert.deepEqual([name, address], ['test', '127.0.0.1']);
    assert.ok(port > 0);
  });

  it('hands on transports that have not begun to read, so that nothing of what comes is lost', async () => {
    const { promise, resolve } = Promise.withResolvers<Transport>();
    const listener = await Listener.open(ANY_PORT, resolve);
    const client = connect(listener.address.port, '127.0.0.1');
    client.write('first words');
    const accepted = await promise;
    const read = Promise.withResolvers<string>();
    accepted.start({
      read(buffer, count) {
        read.resolve(buffer.toString('utf8', 0, count));
        return true;
      },
      ended: () => undefined,
    });
    assert.equal(await read.promise, 'first words');
    client.destroy();
    accepted.destroy();
    listener.stop();
  });

  it('takes no more once it is stopped, and leaves the connections it has', async () => {
    const { promise, resolve } = Promise.withResolvers<Transport>();
    const listener = await Listener.open(ANY_PORT, resolve);
    const { port } = listener.address;
    const client = connect(port, '127.0.0.1');
    const accepted = await promise;
    listener.stop();
    const [refused] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    assert.equal(refused.code, 'ECONNREFUSED');
    accepted.start({ read: () => true, ended: () => undefined }).write(Buffer.from('still here'));
    const [chunk] = (await once(client, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'still here');
    client.destroy();
    accepted.destroy();
  });

  it('says who it is and why it cannot listen where another does', async () => {
    const first = await Listener.open(ANY_PORT, () => undefined);
    const error = await listenErrorOf(
      Listener.open({ ...ANY_PORT, ...first.address, name: 'second' }, () => undefined),
    );
    first.stop();
    assert.equal(error.code, 'address_in_use');
    assert.match(error.message, /second.*127\.0\.0\.1:\d+.*another program/);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'EADDRINUSE');
  });

  it('says that the address is not one of this machine', async () => {
    // TEST-NET-1 (RFC 5737): nobody has it.
    const error = await listenErrorOf(Listener.open({ ...ANY_PORT, address: '192.0.2.1' }, () => undefined));
    assert.equal(error.code, 'address_not_available');
  });
});
