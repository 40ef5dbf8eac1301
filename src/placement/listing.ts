import type { Placement, PlacementEntry } from './placement.ts';

const PAGE_ENTRIES = 1000;

/** All entries under `prefix` in key order, read a page at a time. */
export async function* listAll(placement: Placement, prefix: string): AsyncGenerator<PlacementEntry> {
  for (let after: string | undefined; ; ) {
    const page = await placement.list(prefix, { limit: PAGE_ENTRIES, ...(after === undefined ? {} : { after }) });
    yield* page;
    if (page.length < PAGE_ENTRIES) return;
    after = page.at(-1)!.key;
  }
}
