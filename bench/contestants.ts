import type { BrokerKind } from './brokers/broker.ts';
import type { Collector } from './collectors/collector.ts';

/** Who takes turns: a broker, and where it sends its traces, if it does. */
export interface Contestant {
  readonly name: string;
  readonly kind: BrokerKind;
  readonly collector: Collector | undefined;
}

/** A broker that exports its traces competes once with each collector, any other once. */
export function contestants(kinds: readonly BrokerKind[], collectors: readonly Collector[]): Contestant[] {
  return kinds.flatMap((kind): Contestant[] => {
    if (!kind.exportsTraces || collectors.length === 0) return [{ name: kind.name, kind, collector: undefined }];
    return collectors.map((collector) => ({ name: nameWith(kind.name, collector), kind, collector }));
  });
}

function nameWith(name: string, { label }: Collector): string {
  return label === undefined ? name : `${name} (collector ${label})`;
}
