import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { BrokerKind } from './broker.ts';
import { launch } from './broker-process.ts';

const SERVER = join(import.meta.dirname, 'aedes-server.ts');

/** The other broker written for Node, with its in-memory persistence, in a process of its own. */
export const aedes: BrokerKind = {
  name: 'aedes',
  exportsTraces: false,
  version: () => {
    try {
      const manifest = join(dirname(createRequire(import.meta.url).resolve('aedes')), 'package.json');
      return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
    } catch {
      return undefined;
    }
  },
  start: ({ pinned }) => launch({ pinned, command: (port) => [process.execPath, SERVER, String(port)] }),
};
