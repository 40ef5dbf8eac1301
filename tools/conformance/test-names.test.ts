import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findTests, leadingIds } from './test-names.ts';

function namesIn(source: string): { ids: readonly string[]; name: string }[] {
  return findTests('a.test.ts', source).map(({ ids, name }) => ({ ids, name }));
}

describe('names of conformance tests', () => {
  it('begin with the statements they prove', () => {
    assert.deepEqual(namesIn(`test('[MQTT-3.1.0-1] [MQTT-3.1.0-2] is seen', body);`), [
      { ids: ['MQTT-3.1.0-1', 'MQTT-3.1.0-2'], name: 'is seen' },
    ]);
  });

  it('are found in templates and arguments, whatever quotes them', () => {
    const source = `check("[MQTT-1.5.3-1] the client's string"); test(\`[MQTT-2.2.1-4] QoS \${row({ qos })}: \${what}\`, body);`;
    assert.deepEqual(namesIn(source), [
      { ids: ['MQTT-1.5.3-1'], name: "the client's string" },
      { ids: ['MQTT-2.2.1-4'], name: 'QoS …: …' },
    ]);
  });

  it('end where their quote ends', () => {
    const [first, second] = namesIn(String.raw`a('[MQTT-4.7.1-1] the client\'s #'); b('[MQTT-4.7.1-2] +');`);
    assert.deepEqual([first?.name, second?.name], ["the client's #", '+']);
  });

  it('name no statement by what they mention later', () => {
    assert.deepEqual(leadingIds('[MQTT-3.1.0-1] unlike [MQTT-3.1.0-2]'), ['MQTT-3.1.0-1']);
    assert.deepEqual(leadingIds('the start [MQTT-3.1.0-1]'), []);
    assert.deepEqual(namesIn(`// see [MQTT-3.1.0-1]\nconst text = 'of [MQTT-3.1.0-1]';`), []);
  });
});
