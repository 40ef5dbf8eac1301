import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import type { RunningServer } from './command-context.ts';
import { StopRequest } from './start.ts';
import { CommandWorld } from './testing/run-command.ts';

/** Listens where the configuration says, as the real one does, and counts what it is told. */
async function listen(config: Config): Promise<RunningServer & { reloads: Config[] }> {
  const { name, address, port } = config.listeners[0]!;
  const server = createServer().listen(port, address);
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  const running = {
    reloads: [] as Config[],
    addresses: [
      { protocol: 'mqtt', scheme: 'mqtt', name, address, port: bound.port },
      { protocol: 'http', scheme: 'http', name: 'admin', address: '127.0.0.1', port: 9999 },
    ] as const,
    async reload(changed: Config) {
      running.reloads.push(changed);
    },
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
  return running;
}

/** Runs `start` on a free port until `whileRunning` is done and has sent its signal. */
async function start(whileRunning: (world: CommandWorld, server: RunningServer & { reloads: Config[] }) => unknown) {
  const world = new CommandWorld();
  world.startServer = async (config) => {
    const server = await listen(config);
    setImmediate(async () => {
      try {
        await whileRunning(world, server);
      } catch (error) {
        world.signals.emit('SIGTERM');
        throw error;
      }
    });
    return server;
  };
  const exitCode = await world.run('start', '--set', 'listeners.0.port=0', '--data-dir', '/srv/mq');
  return { exitCode, world };
}

describe('start', () => {
  for (const signal of ['SIGINT', 'SIGTERM'])
    test(`runs until ${signal}, stops and exits 0, leaving no listener behind`, async () => {
      const { exitCode, world } = await start(({ signals }) => signals.emit(signal));
      assert.equal(exitCode, 0);
      assert.match(world.stdout.text, /Stopping\.\n$/);
      assert.deepEqual(world.signals.eventNames(), []);
    });

  test('says what listens where, where the data lies and how to see a trace', async () => {
    const { world } = await start(({ signals }) => signals.emit('SIGTERM'));
    assert.match(world.stdout.text, /MQTT {4}mqtt:\/\/127\.0\.0\.1:\d+ \(anonymous clients welcome\)/);
    assert.match(world.stdout.text, /Admin {3}http:\/\/127\.0\.0\.1:9999 /);
    assert.match(world.stdout.text, /Data {4}\/srv\/mq\n/);
    assert.match(world.stdout.text, /npx robustmq trace tail --url http:\/\/127\.0\.0\.1:9999 \(100 % of messages\)/);
  });

  test('reloads on SIGHUP with the configuration as it is then, and runs on, also when that fails', async () => {
    let reloads: readonly Config[] = [];
    const { exitCode, world } = await start(async ({ signals, environment }, server) => {
      reloads = server.reloads;
      environment.ROBUSTMQ_AUTHORIZATION__RULES = '[{"permission":"deny","action":"all","topics":["#"]}]';
      signals.emit('SIGHUP');
      await nextTurn();
      environment.ROBUSTMQ_AUTHORIZATION__RULES = '[{}]';
      signals.emit('SIGHUP');
      await nextTurn();
      delete environment.ROBUSTMQ_AUTHORIZATION__RULES;
      server.reload = () => Promise.reject(new Error('EACCES'));
      signals.emit('SIGHUP');
      await nextTurn();
      signals.emit('SIGTERM');
    });
    assert.equal(exitCode, 0);
    assert.deepEqual(
      reloads.map(({ authorization }) => authorization.rules[0]?.topics),
      [['#']],
    );
    assert.match(world.stderr.text, /robustmq: not reloaded: .*authorization\.rules\.0\.permission/s);
    assert.match(world.stderr.text, /robustmq: not reloaded: .*EACCES/);
  });

  test('opens nothing with a wrong configuration', async () => {
    const world = new CommandWorld();
    let started = false;
    world.startServer = (config) => {
      started = true;
      return listen(config);
    };
    assert.equal(await world.run('start', '--listen', '0.0.0.0:0'), 78);
    assert.match(world.stderr.text, /allow_anonymous = true/);
    assert.equal(started, false);
  });

  test('says in a sentence that the port is taken, and exits 69', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const world = new CommandWorld();
    world.startServer = listen;
    const { port } = taken.address() as AddressInfo;
    assert.equal(await world.run('start', '--listen', `127.0.0.1:${port}`), 69);
    assert.match(world.stderr.text, /another program listens on this address already .*127\.0\.0\.1:\d+/);
    taken.close();
  });

  test('a server that does not stop is left by a second signal', async () => {
    const world = new CommandWorld();
    world.startServer = async (config) => {
      const server = await listen(config);
      await server.stop();
      setImmediate(() => world.signals.emit('SIGINT'));
      return {
        ...server,
        stop: () => {
          world.now += 501;
          world.signals.emit('SIGINT');
          return new Promise(() => undefined);
        },
      };
    };
    assert.equal(await world.run('start', '--set', 'listeners.0.port=0'), 130);
    assert.match(world.stderr.text, /stopped at once/);
  });
});

describe('a stop request', () => {
  test('takes a signal that comes twice at once for one, and a later one for impatience', async () => {
    const world = new CommandWorld();
    using stop = new StopRequest(world.signals, world.clock);
    world.signals.emit('SIGINT');
    world.signals.emit('SIGINT');
    await stop.requested;
    world.now = 501;
    world.signals.emit('SIGTERM');
    await assert.rejects(stop.forced, { exitCode: 143 });
  });
});
