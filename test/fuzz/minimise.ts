/** The bytes with every run left out that the failure does not need: halves, then quarters, down to single bytes. */
export async function minimise(
  bytes: Uint8Array,
  fails: (bytes: Buffer) => boolean | Promise<boolean>,
): Promise<Buffer> {
  let rest: Buffer = Buffer.from(bytes);
  for (let run = Math.ceil(rest.length / 2); run > 0; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < rest.length; ) {
      const shorter = Buffer.concat([rest.subarray(0, at), rest.subarray(at + run)]);
      if (await fails(shorter)) rest = shorter;
      else at += run;
    }
  }
  return rest;
}
