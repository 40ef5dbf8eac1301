import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodePacket } from '../../src/mqtt/codec/decode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from '../../src/mqtt/frame.ts';
import type { Packet } from '../../src/mqtt/packets.ts';
import { type ConnectionScript, versionOf } from './connection-script.ts';

/** How long a script that waits for the broker waits, where the broker has no reason to go. */
const PATIENCE_MS = 20;
const ANSWERS_LIMIT_BYTES = 1024 * 1024;
const FROM_SERVERS: readonly Packet['type'][] = [
  ...(['connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp'] as const),
  ...(['suback', 'unsuback', 'pingresp', 'disconnect', 'auth'] as const),
];

/** Plays a script, and looks at what the broker said; rejects if that was not MQTT. */
export async function playScript(
  { chunks, end }: ConnectionScript,
  port: number,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  // The broker may close first, while we still write.
  socket.on('error', () => undefined);
  const answers: Buffer[] = [];
  let received = 0;
  socket.on('data', (chunk) => {
    received += chunk.length;
    if (received <= ANSWERS_LIMIT_BYTES) answers.push(chunk);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const ended = new Promise<void>((resolve) => socket.once('end', () => resolve()));
  await Promise.race([once(socket, 'connect'), closed]);
  for (const chunk of chunks) {
    if (socket.destroyed) break;
    socket.write(chunk);
    // Pieces that are written in one turn would arrive as one.
    if (chunks.length > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  await leave(socket, end, Promise.race([ended, closed, sleep(patienceMs)]));
  await closed;
  checkAnswers(Buffer.concat(answers), Buffer.concat(chunks));
}

async function leave(socket: Socket, end: ConnectionScript['end'], ended: Promise<unknown>): Promise<void> {
  if (end === 'half-close') socket.end();
  if (end === 'half-close' || end === 'wait') await ended;
  if (end === 'reset') socket.resetAndDestroy();
  else socket.destroy();
}

/** Whole packets of the client's version that a server may send, CONNACK or AUTH first, and DISCONNECT last. */
function checkAnswers(bytes: Buffer, sent: Buffer): void {
  const version = versionOf(sent);
  const frame = new FrameScan();
  const types: Packet['type'][] = [];
  for (let at = 0; at < bytes.length; at = frame.end) {
    const status = scanFrame(bytes, at, bytes.length, Number.POSITIVE_INFINITY, frame);
    if (status === FrameStatus.incomplete) break; // We went before its end.
    const result = decodePacket(bytes, frame.headerByte, frame.bodyStart, frame.end, version);
    assert.ok(
      status === FrameStatus.complete && result.ok,
      `the broker sent ${bytes.toString('hex', at, frame.end)}: ${result.ok ? 'no frame' : result.message}`,
    );
    types.push(result.packet.type);
  }
  const wrong = types.find((type) => !FROM_SERVERS.includes(type));
  assert.equal(wrong, undefined, 'the broker sends what servers send');
  const first = types[0] ?? 'connack';
  assert.ok(first === 'connack' || first === 'auth', `the broker said ${first} first [MQTT-3.2.0-1]`);
  assert.ok(types.indexOf('connack') === types.lastIndexOf('connack'), 'one CONNACK [MQTT-3.2.0-2]');
  const goodbye = types.indexOf('disconnect');
  assert.ok(goodbye === -1 || goodbye === types.length - 1, 'nothing comes behind DISCONNECT [MQTT-3.14.4-1]');
}
