import { z } from 'zod';
import { topicMatches } from '../mqtt/topic.ts';
import { writeOne } from './collection.ts';
import type { Placement, PlacementEntry, WriteOutcome } from './placement.ts';
import { json } from './value-codec.ts';

const routeRules = z.array(z.strictObject({ filter: z.string().min(1), shard: z.string().min(1) }));

/** In order: the first rule whose filter matches decides. */
export type RouteRules = z.infer<typeof routeRules>;

/** Where a topic goes that no rule mentions. */
export const DEFAULT_SHARD = 'default';

/** All rules lie under one key, because their order is part of them. */
export const ROUTES_KEY = 'routes';
const codec = json(routeRules);

/** The shard that takes the messages of a topic. */
export function routeTopic(rules: RouteRules, topic: string): string {
  return rules.find((rule) => topicMatches(rule.filter, topic))?.shard ?? DEFAULT_SHARD;
}

/** @param entry what lies under ROUTES_KEY, from a read or a watch */
export function decodeRoutes(entry: PlacementEntry | undefined): RouteRules {
  return entry === undefined ? [] : codec.decode(entry);
}

export async function readRoutes(placement: Placement, context?: Uint8Array): Promise<RouteRules> {
  return decodeRoutes(await placement.get(ROUTES_KEY, context));
}

export function writeRoutes(placement: Placement, rules: RouteRules): Promise<WriteOutcome> {
  return writeOne(placement, { type: 'put', key: ROUTES_KEY, value: codec.encode(rules) });
}
