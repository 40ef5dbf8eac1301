import { splitLevels } from '../../mqtt/topic.ts';

/*
 * How two valid topic filters relate, seen as the sets of topic names they match. `a/#` matches `a` too (MQTT 5 section
 * 4.7.1.2), and a wildcard in the first level matches no name that begins with `$` [MQTT-4.7.2-1].
 */

/** Whether every topic that `inner` matches, `outer` matches as well. */
export function covers(outer: string, inner: string): boolean {
  if (isWildcardAgainstDollar(outer, inner)) return false;
  const outerLevels = splitLevels(outer);
  const innerLevels = splitLevels(spelledOut(inner));
  for (const [index, level] of outerLevels.entries()) {
    if (level === '#') return true;
    const wanted = innerLevels[index];
    if (wanted === undefined || wanted === '#') return false;
    if (level !== '+' && level !== wanted) return false;
  }
  return outerLevels.length === innerLevels.length;
}

/** Whether some topic is matched by both. */
export function overlaps(left: string, right: string): boolean {
  if (isWildcardAgainstDollar(left, right) || isWildcardAgainstDollar(right, left)) return false;
  const leftLevels = splitLevels(spelledOut(left));
  const rightLevels = splitLevels(spelledOut(right));
  const shared = Math.min(leftLevels.length, rightLevels.length);
  for (let index = 0; index < shared; index += 1) {
    const one = leftLevels[index]!;
    const other = rightLevels[index]!;
    if (one === '#' || other === '#') return true;
    if (one !== '+' && other !== '+' && one !== other) return false;
  }
  if (leftLevels.length === rightLevels.length) return true;
  const longer = leftLevels.length > shared ? leftLevels : rightLevels;
  return longer.length === shared + 1 && longer[shared] === '#';
}

/** A topic has at least one character [MQTT-4.7.3-1], so here `#` stands for one level at least. */
const spelledOut = (filter: string): string =>
  filter === '#' || filter === '/#' ? filter.replace('#', '+/#') : filter;

const isWildcardAgainstDollar = (wildcard: string, dollar: string): boolean =>
  dollar.startsWith('$') && (wildcard.startsWith('+') || wildcard.startsWith('#'));
