import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OtlpReceiver } from '../testing/otlp-receiver.ts';
import { decodeLogsRequest } from '../testing/otlp-signals.ts';
import { SignalFigures } from './signal-figures.ts';
import { SignalSender } from './signal-sender.ts';
import type { SignalNotice } from './thread-protocol.ts';

const LINES_EACH = 100;
const REQUESTS = 60;
/** A request of a hundred such lines is more than 100 kB: sixty are more than may wait. */
const LINE = JSON.stringify({ level: 'info', event: 'test', message: 'x'.repeat(1000) });

function senderTo(receiver: OtlpReceiver) {
  const memory = SignalFigures.allocate();
  const notices: SignalNotice[] = [];
  const service = { 'service.name': 'robustmq-broker' };
  const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
  const endpoint = `http://127.0.0.1:${receiver.httpPort}`;
  const otlp = { endpoint, headers: {}, compression: 'none', timeoutMs: 200, tls } as const;
  const sender = SignalSender.from(
    {
      signals: { metrics: false, logs: true, otlp, figures: memory, startedAt: 1000 },
      resources: { broker: service, placement: service, journal: service },
      serviceVersion: '0.1.0',
      intervalMs: 10,
      maxPauseMs: 20,
    },
    (notice) => notices.push(notice),
    () => 0.5,
  )!;
  const write = () => {
    for (let count = 0; count < REQUESTS; count += 1)
      sender.logLines(
        Array.from({ length: LINES_EACH }, () => LINE),
        2000,
      );
    sender.publishFigures();
  };
  return { sender, notices, write, figures: new SignalFigures(memory) };
}

describe('log lines while the collector is away', () => {
  it('wait as long as there is room, are counted where there is none, and leave when it is back', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.behave('reject');
    const { sender, notices, write, figures } = senderTo(receiver);
    write();
    const written = LINES_EACH * REQUESTS;
    assert.equal(figures.get('logs', 'taken'), written);
    const lost = figures.get('logs', 'queue_full');
    assert.ok(lost > 0 && lost < written, String(lost));
    while (notices.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    receiver.behave('accept');
    while (notices.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await sender.close(60_000);
    sender.publishFigures();
    assert.equal(figures.get('logs', 'exported'), written - lost);
    assert.ok(figures.requestsFailed > 0);
    const received = receiver.logs.map((request) => decodeLogsRequest(request).records.length);
    assert.equal(
      received.reduce((sum, records) => sum + records, 0),
      written - lost,
    );
    assert.deepEqual(
      notices.map(({ type, signal }) => [type, signal]),
      [
        ['signal_failing', 'logs'],
        ['signal_recovered', 'logs'],
      ],
    );
  });

  it('are given up and counted at the end', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.behave('hang');
    const { sender, write, figures } = senderTo(receiver);
    write();
    await sender.close(10);
    sender.publishFigures();
    const dropped = figures.get('logs', 'queue_full') + figures.get('logs', 'shutdown');
    assert.equal(dropped, LINES_EACH * REQUESTS);
  });
});
