import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SPANS } from '../../telemetry/catalogue.ts';
import { NO_SPAN } from '../../telemetry/recorder.ts';
import { testTelemetry } from '../../telemetry/testing/test-telemetry.ts';
import { TestClock } from '../testing/test-clock.ts';
import { AccessControl, type Client } from './access-control.ts';
import { compileAccessRules } from './authorizer.ts';

const CLIENT: Client = {
  principal: { clientId: 'c', username: undefined, address: '127.0.0.1' },
  authMethod: 'password',
};
const OWN_TOPICS = [{ permission: 'allow', action: 'all', topics: ['own/%c'] }] as const;

function open() {
  const telemetry = testTelemetry();
  const { recorder } = telemetry;
  const access = new AccessControl(compileAccessRules(OWN_TOPICS), recorder, new TestClock());
  const attributesOf = (name: string) => {
    const span = telemetry.spans.find(({ definition }) => definition.name === name);
    return Object.fromEntries(span?.attributes.map(({ definition, value }) => [definition.key, value]) ?? []);
  };
  return { access, telemetry, attributesOf, span: recorder.root(SPANS.mqttPublish, 0) };
}

describe('access control', () => {
  it('decides by the rules in force, which may be replaced', () => {
    const { access } = open();
    const before = access.version;
    assert.equal(access.decide(CLIENT, 'publish', 'own/c', NO_SPAN).allowed, true);
    assert.equal(access.decide(CLIENT, 'publish', 'own/other', NO_SPAN).allowed, false);
    access.replace(compileAccessRules([]));
    assert.equal(access.decide(CLIENT, 'publish', 'own/other', NO_SPAN).allowed, true);
    assert.notEqual(access.version, before, 'what was remembered no longer holds');
  });

  it('shows which rule decided on the trace of the packet that asked', () => {
    const { access, telemetry, attributesOf, span } = open();
    access.decide(CLIENT, 'publish', 'own/c', span);
    assert.deepEqual(attributesOf('topic/authorize'), {
      'mqtt.topic': 'own/c',
      'robustmq.auth.rule': 'rules.0',
      'robustmq.auth.cached': false,
    });
    assert.equal(telemetry.spans[0]?.failure, null);
  });

  it('shows a refusal as one', () => {
    const { access, telemetry, attributesOf, span } = open();
    access.decide(CLIENT, 'subscribe', '#', span);
    assert.ok(telemetry.spans[0]?.failure);
    assert.equal(attributesOf('topic/authorize')['error.type'], 'not_authorized');
  });

  it('shows who was known by what', () => {
    const { access, attributesOf, span } = open();
    access.traceIdentity(CLIENT, span);
    assert.deepEqual(attributesOf('auth/validate'), {
      'robustmq.auth.method': 'password',
      'robustmq.auth.cached': true,
    });
  });

  it('records nothing for a packet that is not traced', () => {
    const { access, telemetry } = open();
    access.decide(CLIENT, 'publish', 'own/c', NO_SPAN);
    access.traceIdentity(CLIENT, NO_SPAN);
    assert.deepEqual(telemetry.spans, []);
  });
});
