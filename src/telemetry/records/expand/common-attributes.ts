import type { TextSlice } from '../span-visitor.ts';
import { slice } from './record-source.ts';

/** What every trace of this process says of it. */
export interface BrokerIdentity {
  readonly cluster: string;
  readonly brokerId: string;
}

export interface BrokerIdentityTexts {
  readonly cluster: TextSlice;
  readonly brokerId: TextSlice;
}

export function identityTexts({ cluster, brokerId }: BrokerIdentity): BrokerIdentityTexts {
  return { cluster: slice(cluster), brokerId: slice(brokerId) };
}
