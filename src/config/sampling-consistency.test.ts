import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { problemsOf } from './testing/problems-of.ts';

describe('the keys of sampling', () => {
  for (const keys of [
    { slow_quantile: '0' },
    { slow_quantile: '0.5' },
    { slow_quantile: '0.9999', slow_threshold_ms: '0', keep_redelivered_after: '0' },
    { rules: '[{ client_id = "meter-*", rate = 1 }, { topic = "a/#", packet = "publish", rate = 0 }]' },
    { rules: '[{ user = "alice", address = "2001:db8::/32", rate = 0.5 }]' },
  ])
    it(`may be ${JSON.stringify(keys)}`, () => assert.deepEqual(problemsOf('telemetry.sampling', keys), []));

  const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ slow_quantile: '0.4' }, /slow_quantile = 0\.4: must be 0 or at least 0\.5/],
    [{ slow_quantile: '1' }, /slow_quantile = 1 .*must be a number from 0 to 0\.9999/],
    [
      { rules: '[{ address = "10.0.0", rate = 1 }]' },
      /rules\.0\.address = "10\.0\.0": must be an IP address or a CIDR/,
    ],
    [{ rules: '[{ user = "a", rate = 1 }, { rate = 0 }]' }, /rules\.1 holds for every trace/],
    [{ rules: '[{ user = "a" }]' }, /rules\.0\.rate is missing/],
    [{ rules: '[{ topic = "a/#/b", rate = 1 }]' }, /rules\.0\.topic = "a\/#\/b" .*must be a topic filter/],
    [{ rules: '[{ packet = "puback", rate = 1 }]' }, /rules\.0\.packet = "puback" .*must be one of "connect"/],
    [{ rules: '[{ client = "a", rate = 1 }]' }, /rules\.0\.client .*no such key; did you mean .*client_id/],
  ];
  for (const [keys, message] of wrong)
    it(`may not be ${JSON.stringify(keys)}`, () => {
      const problems = problemsOf('telemetry.sampling', keys);
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, message);
    });
});
