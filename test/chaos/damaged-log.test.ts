import assert from 'node:assert/strict';
import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { chanceOf } from './support/chance.ts';
import { assertDelivered, publishSeries, seriesOf } from './support/load.ts';
import { Restartable } from './support/restartable.ts';
import { StrictClient } from './support/strict-client.ts';

const MESSAGES = 300;
const SETTINGS = { 'log.level': 'warn' };

/** A broker killed with messages in its log that a persistent subscriber, now away, has not had. */
async function killedWithMessages(): Promise<{ broker: Restartable; subscriber: StrictClient; logs: string[] }> {
  const broker = await Restartable.start(SETTINGS);
  const subscriber = new StrictClient('subscriber');
  await subscriber.connect(broker.port);
  await subscriber.subscribe('log/#');
  await subscriber.drop();
  const publisher = new StrictClient('publisher');
  await publisher.connect(broker.port);
  await publishSeries(publisher, { topic: 'log', count: MESSAGES, qos: 2, window: 10 });
  await broker.kill();
  await publisher.idle;
  const folder = join(broker.directory.dataDir, 'journal', 'default');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log')).sort();
  return { broker, subscriber, logs: names.map((name) => join(folder, name)) };
}

async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0] = byte[0]! ^ 0xff;
  await file.write(byte, 0, 1, position);
  await file.close();
}

/** Bytes of a batch whose write a crash cut short: it was never acknowledged. */
async function appendTornBatch(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  const lastBatch = Buffer.alloc(Math.min(size, 64 * 1024));
  await file.read(lastBatch, 0, lastBatch.length, 0);
  await file.write(lastBatch, 0, Math.min(bytes, lastBatch.length), size);
  await file.close();
}

describe('a log that a crash or a disk has damaged', () => {
  test('a torn record at the end is cut off: the broker starts, and all that was acknowledged is there', async (t) => {
    const chance = chanceOf(t);
    const { broker: killed, subscriber, logs } = await killedWithMessages();
    await using broker = killed;
    const newest = logs.at(-1)!;
    const before = (await stat(newest)).size;
    await appendTornBatch(newest, 1 + chance.below(60));
    await broker.start();
    assert.match(broker.process.errors, /truncated/);
    assert.equal((await stat(newest)).size, before);
    await subscriber.connect(broker.port);
    await subscriber.receives('log', `log ${MESSAGES - 1}`);
    assertDelivered(subscriber.payloadsOf('log'), seriesOf('log', MESSAGES), 2);
    await subscriber.drop();
  });

  test('a last record that was never acknowledged may be lost, but not one before it', async () => {
    const { broker: killed, subscriber, logs } = await killedWithMessages();
    await using broker = killed;
    const newest = logs.at(-1)!;
    await truncate(newest, (await stat(newest)).size - 1);
    await broker.start();
    await subscriber.connect(broker.port);
    await subscriber.receives('log', 'log 0');
    const publisher = new StrictClient('second publisher');
    await publisher.connect(broker.port);
    await publisher.publish('log', 'the end', 2);
    await subscriber.receives('log', 'the end');
    const received = subscriber.payloadsOf('log').slice(0, -1);
    assertDelivered(received, seriesOf('log', MESSAGES).slice(0, received.length), 2);
    await Promise.all([subscriber.drop(), publisher.drop()]);
  });

  test('damage in the middle is refused: the broker does not start, and names the file and the place', async (t) => {
    const chance = chanceOf(t);
    const { broker: killed, logs } = await killedWithMessages();
    await using broker = killed;
    const damaged = logs.at(-1)!;
    const { size } = await stat(damaged);
    await flipByte(damaged, chance.below(Math.floor(size / 2)));
    await using refusing = broker.spawn();
    const { code } = await refusing.exited;
    assert(code !== null && code > 0);
    assert(refusing.errors.includes(damaged), refusing.errors);
    assert.match(refusing.errors, /byte \d+/);
  });
});
