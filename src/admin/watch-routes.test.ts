import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { MemoryPlacement } from '../placement/engines/memory/memory-placement.ts';
import { TraceWatches } from '../placement/trace-watches.ts';
import type { WatchRule } from '../telemetry/sampling/watch-rules.ts';
import { startTestAdmin, type TestAdmin } from './testing/test-admin.ts';

let watches: TraceWatches;
let admin: TestAdmin;
before(async () => {
  let made = 0;
  const newId = (): string => {
    made += 1;
    return `w${made}`;
  };
  const onFailure = (error: Error): void => assert.ifError(error);
  watches = await TraceWatches.open(new MemoryPlacement(), { clock: systemClock, newId, onFailure });
  admin = await startTestAdmin(watches);
});
after(async () => {
  await admin.close();
  await watches.close();
});

const url = (id = ''): string => `${admin.url}/api/v1/traces/watches${id}`;
const post = (body: unknown): Promise<Response> =>
  fetch(url(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const detail = async (response: Response): Promise<string> => ((await response.json()) as { detail: string }).detail;

describe('the watches of the admin API', () => {
  it('are set, told and removed', async () => {
    const wish = {
      clientId: 'meter-*',
      topic: 'a/#',
      user: 'alice',
      address: '10.0.0.0/8',
      minDurationMs: 5,
      errorsOnly: true,
      limit: 7,
    };
    const asked = systemClock.now();
    const made = await post({ ...wish, forSeconds: 60 });
    assert.equal(made.status, 201);
    const rule = (await made.json()) as WatchRule;
    assert.equal(made.headers.get('location'), `/api/v1/traces/watches/${rule.id}`);
    assert.ok(rule.expiresAt >= asked + 60_000 && rule.expiresAt <= systemClock.now() + 60_000);
    assert.deepEqual(rule, { ...wish, id: rule.id, expiresAt: rule.expiresAt, kept: 0 });

    await watches.addKept([{ id: rule.id, traces: 2 }]);
    const told = { ...rule, kept: 2 };
    assert.deepEqual(await (await fetch(url(`/${rule.id}`))).json(), told);
    assert.deepEqual(await (await fetch(url())).json(), { watches: [told] });

    assert.equal((await fetch(url(`/${rule.id}`), { method: 'DELETE' })).status, 204);
    assert.deepEqual(await (await fetch(url())).json(), { watches: [] });
    for (const method of ['GET', 'DELETE']) {
      const gone = await fetch(url(`/${rule.id}`), { method });
      assert.equal(gone.status, 404);
      assert.match(await detail(gone), /no such watch/);
    }
  });

  it('last ten minutes or a thousand traces, if nothing is said', async () => {
    const rule = (await (await post({})).json()) as WatchRule;
    assert.equal(rule.limit, 1000);
    assert.ok(Math.abs(rule.expiresAt - systemClock.now() - 600_000) < 60_000);
    await watches.remove(rule.id);
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ topic: 'a/#/b' }, /^topic: expected an MQTT topic filter/],
    [{ topic: '$share/group/a' }, /^topic: expected an MQTT topic filter, without \$share/],
    [{ address: '10.0.0' }, /^address: expected an IP address or a CIDR block/],
    [{ minDurationMs: -1 }, /^minDurationMs: /],
    [{ limit: 0 }, /^limit: /],
    [{ limit: 1.5 }, /^limit: /],
    [{ forSeconds: 0 }, /^forSeconds: /],
    [{ forSeconds: 1e9 }, /^forSeconds: /],
    [{ clientId: '' }, /^clientId: /],
    [{ client: 'a' }, /client/],
    ['all', /body|object/i],
  ];
  for (const [body, problem] of wrong)
    it(`are refused with a sentence: ${JSON.stringify(body)}`, async () => {
      const response = await post(body);
      assert.equal(response.status, 400);
      assert.match(await detail(response), problem);
      assert.deepEqual(watches.rules, []);
    });

  it('are at most 64', async () => {
    for (let count = 0; count < 64; count += 1) assert.equal((await post({})).status, 201);
    const refused = await post({});
    assert.equal(refused.status, 409);
    assert.match(await detail(refused), /64 watches are set/);
    for (const { id } of watches.rules) await watches.remove(id);
  });

  it('are none where nothing is recorded', async () => {
    const off = await startTestAdmin();
    for (const [method, path] of [
      ['GET', ''],
      ['POST', ''],
      ['DELETE', '/w1'],
    ] as const) {
      const response = await fetch(`${off.url}/api/v1/traces/watches${path}`, { method });
      assert.equal(response.status, 503);
      assert.match(await detail(response), /telemetry\.enable is false/);
    }
    await off.close();
  });
});
