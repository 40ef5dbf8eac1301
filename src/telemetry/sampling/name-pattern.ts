/**
 * Whether a name is the one the pattern says; `*` stands for any characters, also none. In time that grows with the length
 * of the name alone times the number of stars, whatever name a client chose.
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (name) => name === first;
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let position = first.length;
    for (const part of rest) {
      // The leftmost place leaves most for the parts behind it.
      const found = name.indexOf(part, position);
      if (found === -1 || found + part.length > end) return false;
      position = found + part.length;
    }
    return true;
  };
}
