import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileHeadRules, type HeadFacts, type HeadRule } from './head-rules.ts';

const FACTS: HeadFacts = {
  clientId: 'meter-7',
  user: 'alice',
  address: '10.1.2.3',
  packet: 'publish',
  topic: 'sensors/7/temperature',
};

const fits = (rule: Omit<HeadRule, 'rate'>, facts: Partial<HeadFacts> = {}): boolean =>
  compileHeadRules({ rate: 0, rules: [{ ...rule, rate: 1 }] }).rateFor({ ...FACTS, ...facts }) === 1;

describe('the rate at the head', () => {
  it('is one for all where there are no rules', () => {
    const rules = compileHeadRules({ rate: 0.01, rules: [] });
    assert.equal(rules.hasRules, false);
    assert.equal(rules.rateFor(FACTS), 0.01);
  });

  it('is that of the first rule that fits', () => {
    const rules = compileHeadRules({
      rate: 0.01,
      rules: [
        { topic: 'alarms/#', rate: 1 },
        { clientId: 'meter-*', rate: 0.5 },
        { user: 'alice', rate: 0.25 },
      ],
    });
    assert.equal(rules.hasRules, true);
    assert.equal(rules.rateFor(FACTS), 0.5);
    assert.equal(rules.rateFor({ ...FACTS, topic: 'alarms/fire' }), 1);
    assert.equal(rules.rateFor({ ...FACTS, clientId: 'gateway' }), 0.25);
    assert.equal(rules.rateFor({ ...FACTS, clientId: 'gateway', user: undefined }), 0.01);
  });

  it('asks of a rule all that it says', () => {
    const rule = {
      clientId: 'meter-7',
      topic: 'sensors/+/#',
      user: 'alice',
      address: '10.0.0.0/8',
      packet: 'publish',
    } as const;
    assert.ok(fits(rule));
    const others: readonly Partial<HeadFacts>[] = [
      { clientId: 'meter-70' },
      { topic: 'actors/7' },
      { user: 'bob' },
      { user: undefined },
      { address: '11.1.2.3' },
      { packet: 'delivery' },
    ];
    for (const facts of others) assert.equal(fits(rule, facts), false, JSON.stringify(facts));
  });

  it('knows no topic of a packet without one, and no $ topic behind a wildcard', () => {
    assert.equal(fits({ topic: '#' }, { packet: 'connect', topic: undefined }), false);
    assert.equal(fits({ topic: '#' }, { topic: '$SYS/broker' }), false);
    assert.ok(fits({ topic: '#' }));
  });

  it('knows an IPv4 address that comes as an IPv6 one', () => {
    assert.ok(fits({ address: '10.0.0.0/8' }, { address: '::ffff:10.1.2.3' }));
  });
});
