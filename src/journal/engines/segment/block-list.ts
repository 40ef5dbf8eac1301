/* Ascending block numbers as a count and the distances between them, all as LEB128: mostly one byte each. */

export function writeBlockList(blocks: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(5 + blocks.length * 5);
  let at = writeVarint(out, 0, blocks.length);
  let previous = 0;
  for (const block of blocks) {
    at = writeVarint(out, at, block - previous);
    previous = block;
  }
  return out.subarray(0, at);
}

/** @returns the blocks, and where the list ends in the buffer */
export function readBlockList(buffer: Uint8Array, start: number): { blocks: number[]; end: number } {
  let at = start;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = buffer[at]!;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const count = readVarint();
  const blocks: number[] = [];
  let previous = 0;
  for (let index = 0; index < count; index += 1) {
    previous += readVarint();
    blocks.push(previous);
  }
  return { blocks, end: at };
}

function writeVarint(out: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    out[at] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
    at += 1;
  }
  out[at] = rest;
  return at + 1;
}
