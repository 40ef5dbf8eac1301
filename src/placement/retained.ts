import { Collection } from './collection.ts';
import { opaqueBytes } from './value-codec.ts';

/** The retained message of each topic, in the broker's own form. */
export const retained = new Collection('retained/', opaqueBytes);
