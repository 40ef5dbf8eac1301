import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from './backend.ts';

/** Of the Collector's components; its stable modules are numbered apart. */
const VERSION = '0.159.0';
const STABLE_VERSION = '1.65.0';

const CORE = 'go.opentelemetry.io/collector';
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib';

/** What a small real configuration needs, and nothing else: each component is compiled. */
const BUILDER_CONFIGURATION = `dist:
  module: robustmq.invalid/otelcol
  name: otelcol
  description: OpenTelemetry Collector for tests
  version: ${VERSION}
  output_path: ./source
receivers:
  - gomod: ${CORE}/receiver/otlpreceiver v${VERSION}
processors:
  - gomod: ${CORE}/processor/batchprocessor v${VERSION}
  - gomod: ${CORE}/processor/memorylimiterprocessor v${VERSION}
exporters:
  - gomod: ${CORE}/exporter/otlpexporter v${VERSION}
  - gomod: ${CORE}/exporter/debugexporter v${VERSION}
extensions:
  - gomod: ${CONTRIB}/extension/storage/filestorage v${VERSION}
providers:
  - gomod: ${CORE}/confmap/provider/envprovider v${STABLE_VERSION}
  - gomod: ${CORE}/confmap/provider/fileprovider v${STABLE_VERSION}
`;

/** The OpenTelemetry Collector, put together by its own builder. */
export const COLLECTOR: Backend = {
  name: 'otelcol',
  version: VERSION,
  recipe: BUILDER_CONFIGURATION,
  build(go, folder) {
    writeFileSync(join(folder, 'builder.yaml'), BUILDER_CONFIGURATION);
    const builder = `${CORE}/cmd/builder@v${VERSION}`;
    go.fetch(folder, 'run', builder, '--config', 'builder.yaml', '--skip-compilation');
    const executable = join(folder, 'otelcol');
    go.build(join(folder, 'source'), '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', executable, '.');
    return executable;
  },
};
