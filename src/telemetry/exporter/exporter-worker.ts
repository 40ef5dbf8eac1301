import { parentPort, workerData } from 'node:worker_threads';
import { Exporter } from './exporter.ts';
import type { ExporterNotice, ExporterOptions, ExporterRequest } from './thread-protocol.ts';

/** The exporter's thread: see exporter-thread.ts for the other side. */
const port = parentPort!;
const waiting: ExporterRequest[] = [];
let exporter: Exporter | undefined;

port.on('message', (request: ExporterRequest) => {
  if (exporter === undefined) waiting.push(request);
  else exporter.request(request);
});

const post = (notice: ExporterNotice): void => {
  port.postMessage(notice);
  if (notice.type === 'closed') port.close();
};

exporter = await Exporter.start(workerData as ExporterOptions, post);
for (const request of waiting) exporter.request(request);
