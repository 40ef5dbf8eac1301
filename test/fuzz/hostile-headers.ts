import type { UserProperty } from '../../src/mqtt/property.ts';
import type { Chance } from '../chaos/support/chance.ts';

const NAMES = ['traceparent', 'tracestate', 'baggage'] as const;
const MOST = 4;
const LONGEST = 65_535;
const CONTEXT = `${'ab'.repeat(16)}-${'cd'.repeat(8)}`;
const VALUES: Readonly<Record<(typeof NAMES)[number], readonly string[]>> = {
  traceparent: [
    ...['', '00', `00-${CONTEXT}-01`, `00-${CONTEXT}-00`, `00-${CONTEXT}-ff`, `ff-${CONTEXT}-01`, `01-${CONTEXT}-01-x`],
    ...[`00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, `00-${CONTEXT.toUpperCase()}-01`, `00-${CONTEXT}-01-`],
  ],
  tracestate: [
    ...['', ',', '=', 'ot=', 'ot=th:8', 'ot=th:8;rv:ffffffffffffff', 'ot=rv:80000000000000', 'ot=rv:8', 'ot=th:;;th'],
    ...['a=1,a=2', 'x=1, ot=th:0 ,y=2', 'a@b=c', `${'k'.repeat(300)}=v`, 'ü=1', Array(40).fill('m=1').join(',')],
  ],
  baggage: ['', '=', 'k=v', 'k=v;p=1,%=%zz', ';;;', 'ü=ü', Array(200).fill('k=v').join(',')],
};
/** What headers are damaged with. */
const SPLICES = ['-', '=', ',', ';', ':', ' ', '\t', '\u007f', '\ufeff', '0', 'f', 'G', 'ü'];

/** User properties with the names of trace headers: right, damaged, repeated, and as long as a property can be. */
export function hostileHeaders(chance: Chance): UserProperty[] {
  return Array.from({ length: 1 + chance.below(MOST) }, (): UserProperty => {
    const name = chance.oneOf(NAMES);
    const value = chance.oneOf(VALUES[name]);
    return [name, chance.below(3) === 0 ? damaged(value, chance) : value];
  });
}

function damaged(value: string, chance: Chance): string {
  const at = chance.below(value.length + 1);
  switch (chance.below(4)) {
    case 0:
      return value.slice(0, at);
    case 1:
      return value.slice(0, at) + chance.oneOf(SPLICES) + value.slice(at);
    case 2:
      return value.slice(0, at) + chance.oneOf(SPLICES) + value.slice(at + 1);
    default:
      return cutOff((value + chance.oneOf(['0', 'a=1,', 'x'])).padEnd(chance.oneOf([512, 4096, LONGEST]), 'a=1,'));
  }
}

/** What a property can hold: so many bytes of UTF-8. */
function cutOff(text: string): string {
  const moreBytes = Buffer.byteLength(text) - text.length;
  return text.slice(0, LONGEST - moreBytes);
}
