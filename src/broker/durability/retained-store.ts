import type { Placement } from '../../placement/placement.ts';
import { retained } from '../../placement/retained.ts';
import type { RetainedStore } from '../delivery/retained-messages.ts';

/** Retained messages in placement, a key for each topic. */
export function placementRetainedStore(placement: Placement): RetainedStore {
  return {
    async *load() {
      for await (const { name, value } of retained.list(placement)) yield { topic: name, value };
    },
    async write(changes) {
      await placement.write(
        [...changes].map(([topic, value]) =>
          value === undefined ? retained.deleting(topic) : retained.putting(topic, value),
        ),
      );
    },
  };
}
