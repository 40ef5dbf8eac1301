import { z } from 'zod';
import { Collection } from './collection.ts';
import type { Placement } from './placement.ts';
import { json } from './value-codec.ts';

const nodeRecord = z.strictObject({
  roles: z.array(z.enum(['broker', 'placement', 'journal'])),
  /** Where other nodes reach it: host:port. */
  address: z.string(),
  /** Unix milliseconds. */
  startedAt: z.number(),
  /** Grows with every start of the node: tells its lives apart. */
  incarnation: z.int().min(1),
});

export type NodeRecord = z.infer<typeof nodeRecord>;

/** The nodes of the cluster by their id. */
export const nodes = new Collection<NodeRecord>('node/', json(nodeRecord));

/** A node enters itself when it starts, with its next incarnation. */
export async function registerNode(
  placement: Placement,
  id: string,
  node: Omit<NodeRecord, 'incarnation'>,
): Promise<NodeRecord> {
  for (;;) {
    const known = await nodes.get(placement, id);
    const record = { ...node, incarnation: (known?.value.incarnation ?? 0) + 1 };
    const [outcome] = await placement.write([nodes.putting(id, record, known?.revision ?? 0)]);
    if (outcome?.type === 'written') return record;
  }
}
