import { writeSync } from 'node:fs';
import type { BatchTransport } from '../export/batch-transport.ts';
import { ConsoleExporter } from '../export/console-exporter.ts';
import { FileExporter } from '../export/file-exporter.ts';
import { otlpSettings } from '../export/otlp-settings.ts';
import { OtlpTransport } from '../export/otlp-transport.ts';
import type { Destination } from './thread-protocol.ts';

const STANDARD_OUTPUT = 1;

/** Undefined for `none`. Settings have been checked by the broker's thread. */
export function transportTo(destination: Destination): BatchTransport | undefined {
  switch (destination.type) {
    case 'none':
      return undefined;
    case 'console':
      // A thread's process.stdout goes through the main thread, which may be gone before the last line is.
      return new ConsoleExporter((line) => writeWhole(Buffer.from(line)));
    case 'file':
      return new FileExporter(destination.options);
    case 'otlp':
      return new OtlpTransport(otlpSettings(destination.options, process.env));
  }
}

function writeWhole(bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(STANDARD_OUTPUT, bytes, written);
    } catch (error) {
      // A pipe that is full: its reader is slow, and this thread may wait for it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, PAUSE_MS);
    }
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const PAUSE_MS = 5;
