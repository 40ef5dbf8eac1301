import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG_EVENTS } from '../../telemetry/catalogue.ts';
import { disabledRecorder } from '../../telemetry/disabled-recorder.ts';
import type { Log } from '../../telemetry/log.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { AccessControl } from '../auth/access-control.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { Router } from '../router/router.ts';
import { numberOfGroup } from '../router/subscription-number.ts';
import { InboundExactlyOnce } from '../session/inbound-exactly-once.ts';
import { InflightWindow } from '../session/inflight-window.ts';
import { Session } from '../session/session.ts';
import { SubscriptionRights } from './subscription-rights.ts';

const OPTIONS = { qos: 1, noLocal: false, retainAsPublished: true, identifier: 7, since: [] };

/** Connected sessions with a subscription to `a` each, and time that goes on by so much whenever it is asked. */
function setUp(count: number, stepMs: number) {
  let now = 0;
  const clock = {
    now: () => {
      now += stepMs;
      return now;
    },
  };
  const router = new Router<Session>(numberOfGroup);
  const access = new AccessControl(compileAccessRules([]), disabledRecorder, clock);
  const sessions = new Map<string, Session>();
  for (let number = 1; number <= count; number += 1) {
    const session = new Session(`c${number}`, number, 100, new InflightWindow(8), new InboundExactlyOnce());
    const client = { principal: { clientId: session.clientId, username: undefined, address: '::1' }, authMethod: '' };
    session.attend(client as never);
    sessions.set(session.clientId, session);
    router.subscribe(session, 'a', OPTIONS);
  }
  const told: unknown[] = [];
  const contexts: unknown[] = [];
  const log: Log = {
    write(event, _fields, context) {
      told.push(event);
      contexts.push(context);
    },
  };
  const rights = new SubscriptionRights({ router, access, sessions, shards: [], metrics: new Metrics(), log, clock });
  access.onChange(() => rights.rulesChanged());
  const deny = () => access.replace(compileAccessRules([{ permission: 'deny', action: 'all', topics: ['a'] }]));
  return { router, access, sessions, rights, told, contexts, deny };
}

test('a subscription is withheld as it was made, and comes back as that', () => {
  const { router, access, sessions, told, deny } = setUp(1, 0);
  const session = sessions.get('c1')!;
  deny();
  assert.equal(router.find(session, 'a'), undefined);
  assert.deepEqual(session.withheld.get('a'), OPTIONS);
  assert.deepEqual(told, [LOG_EVENTS.subscriptionsWithheld]);
  access.replace(compileAccessRules([]));
  const { qos, retainAsPublished, identifiers } = router.find(session, 'a')!;
  assert.deepEqual([qos, retainAsPublished, identifiers], [1, true, [7]]);
  assert.equal(session.withheld.size, 0);
});

test('what a CONNECT brings about is told with its context', () => {
  const { access, sessions, rights, contexts } = setUp(2, 0);
  const session = sessions.get('c1')!;
  const { receiver } = session;
  sessions.clear();
  access.replace(compileAccessRules([{ permission: 'deny', action: 'all', topics: ['a'] }]));
  const context = new Uint8Array(25).fill(1);
  rights.review(session, receiver as never, context);
  assert.deepEqual(contexts, [context]);
});

test('many sessions are asked of a few at a time', () => {
  const { router, rights, deny } = setUp(10, 10);
  deny();
  const left = [router.subscriptionCount];
  while (router.subscriptionCount > 0) {
    rights.tick();
    left.push(router.subscriptionCount);
  }
  assert.ok(left.length > 2, left.join(' '));
  rights.tick();
});
