import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_EVENTS } from './catalogue.ts';
import { LogBudget } from './log-budget.ts';

const { connectionRefused, handshakeFailed, processReady } = LOG_EVENTS;

test('what clients can bring about has so many lines a second; the next line says how many are missing', () => {
  let now = 0;
  const budget = new LogBudget({ now: () => now });
  const limit = connectionRefused.perSecond!;
  for (let line = 0; line < limit; line += 1) assert.equal(budget.spend(connectionRefused), 0);
  for (let line = 0; line < 3; line += 1) assert.equal(budget.spend(connectionRefused), 'too_many');
  assert.equal(budget.spend(handshakeFailed), 0, 'other events are not concerned');
  now = 999;
  assert.equal(budget.spend(connectionRefused), 'too_many');
  now = 1000;
  assert.equal(budget.spend(connectionRefused), 4);
  assert.equal(budget.spend(connectionRefused), 0);
});

test('what the broker says of itself has no limit', () => {
  const budget = new LogBudget({ now: () => 0 });
  for (let line = 0; line < 1000; line += 1) assert.equal(budget.spend(processReady), 0);
});
