import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearestName } from './nearest-name.ts';

test('a near name is found, a far one is not offered', () => {
  const known = ['mqtt.max_qos', 'mqtt.receive_maximum', 'log.level'];
  assert.equal(nearestName('mqtt.max_qps', known), 'mqtt.max_qos');
  assert.equal(nearestName('MQTT_RECEIVE-MAXIMUM', known), 'mqtt.receive_maximum');
  assert.equal(nearestName('telescope', known), undefined);
});

test('edit distance is a metric that counts single edits', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      assert.equal(editDistance(a, a), 0);
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.ok(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c));
      assert.equal(editDistance(a, `${a}x`), 1);
    }),
  );
});
