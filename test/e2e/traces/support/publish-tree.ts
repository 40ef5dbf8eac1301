import type { Qos } from '../../../../src/mqtt/packets.ts';

const ADMITTED = ['  auth/validate internal robustmq-broker'];
const ROUTED = ['  subscription/match internal robustmq-broker', '  topic/authorize internal robustmq-broker'];
const STORED = [
  '  storage/persist internal robustmq-broker',
  '    cluster/route internal robustmq-placement',
  '    journal/commit internal robustmq-journal',
  '    journal/write internal robustmq-journal',
  '      index/update internal robustmq-journal',
  '      segment/append internal robustmq-journal',
  '      storage/journal.write internal robustmq-journal',
  '    metadata/query internal robustmq-placement',
];
const PUSHED: Readonly<Record<Qos, readonly string[]>> = {
  0: ['  client/push producer robustmq-broker'],
  1: [
    '  client/push producer robustmq-broker',
    '    delivery/confirm internal robustmq-broker',
    '      mqtt/puback server robustmq-broker',
  ],
  2: [
    '  client/push producer robustmq-broker',
    '    delivery/confirm internal robustmq-broker',
    '      mqtt/pubcomp server robustmq-broker',
    '      mqtt/pubrec server robustmq-broker',
  ],
};

/** What a PUBLISH looks like that goes to a subscriber for each QoS granted, as `treeOf` shows it. */
export function publishTree(published: Qos, ...granted: readonly Qos[]): string[] {
  return [
    'mqtt/publish server robustmq-broker',
    ...ADMITTED,
    ...granted.flatMap((qos) => PUSHED[Math.min(published, qos) as Qos]),
    ...(published === 2 ? ['  mqtt/pubrel server robustmq-broker'] : []),
    ...(published === 0 ? [] : STORED),
    ...ROUTED,
  ];
}
