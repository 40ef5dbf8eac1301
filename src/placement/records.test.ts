import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aclRules } from './acl.ts';
import type { Collection } from './collection.ts';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import { nodes, registerNode } from './nodes.ts';
import type { Placement } from './placement.ts';
import { retained } from './retained.ts';
import { decodeRoutes, ROUTES_KEY, readRoutes, routeTopic, writeRoutes } from './routes.ts';
import { allocateSessionNumbers, SessionNumbers, sessions } from './sessions.ts';
import { ensureShard, shards } from './shards.ts';
import { traceWatches } from './trace-watches.ts';
import { users } from './users.ts';

async function keepsRecords<Value>(collection: Collection<Value>, value: Value): Promise<void> {
  const placement = new MemoryPlacement();
  await collection.put(placement, 'name/with/levels', value);
  const stored = await collection.get(placement, 'name/with/levels');
  assert.deepEqual(stored?.value, value);
  const listed = await collect(collection.list(placement));
  assert.deepEqual(listed, [stored]);
  await collection.delete(placement, 'name/with/levels');
  assert.equal(await collection.get(placement, 'name/with/levels'), undefined);
  await placement.close();
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function putText(placement: Placement, key: string, text: string): Promise<void> {
  await placement.write([{ type: 'put', key, value: Buffer.from(text) }]);
}

describe('records', () => {
  it('are kept, listed and deleted by name', async () => {
    await keepsRecords(users, { passwordHash: '$scrypt$ln=14,r=8,p=1$c2FsdA$aGFzaA', source: 'someone' });
    await keepsRecords(aclRules, [{ permission: 'allow', action: 'all', topics: ['a/%c'] }]);
    await keepsRecords(traceWatches, { topic: 'a/#', expiresAt: 1.5, limit: 3, kept: 0 });
    await keepsRecords(retained, new Uint8Array([0, 255]));
    await keepsRecords(sessions, new Uint8Array([1]));
  });

  it('that do not parse are an error that names the key', async () => {
    const placement = new MemoryPlacement();
    await putText(placement, 'user/no-json', '{');
    await putText(placement, 'user/plain', '{"passwordHash":"secret","source":"someone"}');
    await assert.rejects(users.get(placement, 'no-json'), { code: 'corrupt', message: /"user\/no-json"/ });
    await assert.rejects(users.get(placement, 'plain'), (error: Error) => {
      assert.match(error.message, /"user\/plain" is wrong: passwordHash/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    await placement.close();
  });

  it('can be written on a condition', async () => {
    const placement = new MemoryPlacement();
    const value = new Uint8Array([1]);
    const [created, again] = await placement.write([sessions.putting('c', value, 0), sessions.putting('c', value, 0)]);
    assert.deepEqual([created?.type, again?.type], ['written', 'conflict']);
    const [deleted] = await placement.write([sessions.deleting('c', created!.revision)]);
    assert.equal(deleted?.type, 'written');
    await placement.close();
  });
});

describe('nodes', () => {
  it('enter themselves anew with each start', async () => {
    const placement = new MemoryPlacement();
    const node = { roles: ['broker' as const], address: '127.0.0.1:1883', startedAt: 1 };
    assert.equal((await registerNode(placement, 'n1', node)).incarnation, 1);
    const lives = await Promise.all([registerNode(placement, 'n1', node), registerNode(placement, 'n1', node)]);
    assert.deepEqual(lives.map((life) => life.incarnation).sort(), [2, 3]);
    assert.equal((await nodes.get(placement, 'n1'))?.value.incarnation, 3);
    await placement.close();
  });
});

describe('shards', () => {
  it('keep the number they were made with', async () => {
    const placement = new MemoryPlacement();
    const settings = { durable: true, createdAt: 5 };
    const made = await ensureShard(placement, 'a', settings);
    assert.deepEqual(made, { number: 1, durable: true, createdAt: 5 });
    assert.deepEqual(await ensureShard(placement, 'a', { durable: false, createdAt: 9 }), made);
    await placement.close();
  });

  it('have numbers of their own, and one each, whoever asks at once', async () => {
    const placement = new MemoryPlacement();
    const names = ['a', 'b', 'c', 'a', 'b', 'c'];
    const made = await Promise.all(names.map((name) => ensureShard(placement, name, { durable: true, createdAt: 0 })));
    assert.deepEqual(made.slice(0, 3), made.slice(3));
    assert.equal(new Set(made.map((shard) => shard.number)).size, 3);
    assert.equal((await collect(shards.list(placement))).length, 3);
    await placement.close();
  });

  it('come to an end when their 16 bits are used up', async () => {
    const placement = new MemoryPlacement();
    await putText(placement, 'counter/shard', '{"next":65536}');
    await assert.rejects(ensureShard(placement, 'a', { durable: true, createdAt: 0 }), { code: 'limit_reached' });
    await placement.close();
  });
});

describe('routes', () => {
  const rules = [
    { filter: 'metrics/#', shard: 'volatile' },
    { filter: 'metrics/+/alarm', shard: 'never reached' },
    { filter: '+/state', shard: 'states' },
  ];

  it('send a topic where the first rule says that matches it', () => {
    assert.equal(routeTopic(rules, 'metrics/pump/alarm'), 'volatile');
    assert.equal(routeTopic(rules, 'pump/state'), 'states');
    assert.equal(routeTopic(rules, 'anything/else'), 'default');
    assert.equal(routeTopic([], 'a'), 'default');
  });

  it('keep their order in the store', async () => {
    const placement = new MemoryPlacement();
    assert.deepEqual(await readRoutes(placement), []);
    await writeRoutes(placement, rules);
    assert.deepEqual(await readRoutes(placement), rules);
    await putText(placement, ROUTES_KEY, '[{"filter":""}]');
    const entry = await placement.get(ROUTES_KEY);
    assert.throws(() => decodeRoutes(entry), { code: 'corrupt', message: /"routes"/ });
    await placement.close();
  });
});

describe('session numbers', () => {
  it('are unique, across restarts and concurrent takers too', async () => {
    const placement = new MemoryPlacement();
    const taken: number[] = [];
    for (let life = 0; life < 3; life++) {
      const numbers = [new SessionNumbers(placement), new SessionNumbers(placement)];
      taken.push(...(await Promise.all(Array.from({ length: 2500 }, (_, at) => numbers[at % 2]!.allocate()))));
    }
    assert.equal(new Set(taken).size, taken.length);
    assert.ok(taken.every((number) => number > 0));
    assert.ok((await allocateSessionNumbers(placement, 1)) > Math.max(...taken));
    await placement.close();
  });

  it('can be had again after the store failed once', async () => {
    const placement = new MemoryPlacement();
    await putText(placement, 'counter/session', 'damaged');
    const numbers = new SessionNumbers(placement);
    await assert.rejects(Promise.all([numbers.allocate(), numbers.allocate()]), { code: 'corrupt' });
    await placement.write([{ type: 'delete', key: 'counter/session' }]);
    assert.equal(await numbers.allocate(), 1);
    await placement.close();
  });
});
