import { join } from 'node:path';
import type { Backend } from './backend.ts';

/** Jaeger 2 has no Go module of that name: its tags v2.x lack the module suffix. One commit of both lines bears both tags. */
const VERSION = '2.13.0';
const MODULE = 'github.com/jaegertracing/jaeger';
const MODULE_VERSION = 'v1.76.0';

const LINKER_FLAGS = `-s -w -X ${MODULE}/internal/version.latestVersion=v${VERSION}`;

/** Jaeger 2: a Collector of its own, with storage and the API that traces are read by. */
export const JAEGER: Backend = {
  name: 'jaeger',
  version: VERSION,
  recipe: `${MODULE}@${MODULE_VERSION} ${LINKER_FLAGS}`,
  build(go, folder) {
    const download = go.fetch(folder, 'mod', 'download', '-json', `${MODULE}@${MODULE_VERSION}`);
    // Built where it lies in Go's module cache: as the main module, so that its go.sum and replacements hold.
    const { Dir: source } = JSON.parse(download) as { readonly Dir: string };
    go.fetch(source, 'list', '-deps', './cmd/jaeger');
    const executable = join(folder, 'jaeger');
    go.build(source, '-trimpath', '-buildvcs=false', `-ldflags=${LINKER_FLAGS}`, '-o', executable, './cmd/jaeger');
    return executable;
  },
};
