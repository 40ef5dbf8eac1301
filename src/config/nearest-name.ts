/**
 * The name a misspelt one was probably meant to be, or undefined when none is near. Names are compared without regard to
 * separators, so that `mqtt_max_qos`, `mqtt-max-qos` and `mqtt.max_qos` are the same.
 */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const wanted = normalise(given);
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(wanted.length / 4)) + 1;
  for (const name of known) {
    const distance = editDistance(wanted, normalise(name));
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

const normalise = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');

/** Levenshtein distance: insertions, deletions and substitutions that turn one string into the other. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const substitution = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[right.length]!;
}
