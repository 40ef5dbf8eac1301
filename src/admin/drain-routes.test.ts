import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startTestAdmin } from './testing/test-admin.ts';

const admin = await startTestAdmin();
after(() => admin.close());
const url = `${admin.url}/api/v1/drain`;
const begin = (body: unknown) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('the drain of the admin API', () => {
  it('answers 503 while the broker is starting', async () => {
    assert.equal((await fetch(url)).status, 503);
  });

  it('hands wishes on and answers with the status', async () => {
    const calls: unknown[] = [];
    const status = { type: 'off' };
    admin.drain = { status, start: (options) => calls.push(options), stop: () => calls.push('stop') };
    assert.deepEqual(await (await fetch(url)).json(), status);
    await begin({ serverReference: 'a:1883 b:1883', ratePerSecond: 5 });
    await begin({});
    assert.equal((await fetch(url, { method: 'POST' })).status, 200);
    await fetch(url, { method: 'DELETE' });
    const usual = { ratePerSecond: 100 };
    assert.deepEqual(calls, [{ serverReference: 'a:1883 b:1883', ratePerSecond: 5 }, usual, usual, 'stop']);
  });

  it('refuses what makes no sense, naming it', async () => {
    for (const [body, problem] of [
      [{ ratePerSecond: 0 }, /ratePerSecond/],
      [{ serverReference: '' }, /serverReference/],
      [{ serverReference: 'a\nb' }, /serverReference/],
      [{ rate: 5 }, /rate/],
      ['now', /body|object/i],
    ] as const) {
      const response = await begin(body);
      assert.equal(response.status, 400);
      assert.match(((await response.json()) as { detail: string }).detail, problem);
    }
  });
});
