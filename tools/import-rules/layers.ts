import { isTest, lineOf, type SourceFile, type Violation } from '../source/source-file.ts';

const FOUNDATION = ['base'];
const MIDDLE = ['rpc', 'mqtt', 'telemetry', 'config', ...FOUNDATION];

/** For each folder of src, the folders it may import besides itself. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ['base', []],
  ['mqtt', FOUNDATION],
  // Topics are what much of it is about: rules by filter, searches, watches.
  ['telemetry', ['mqtt', ...FOUNDATION]],
  ['config', FOUNDATION],
  ['rpc', FOUNDATION],
  ['placement', MIDDLE],
  ['journal', MIDDLE],
  ['broker', [...MIDDLE, 'placement', 'journal']],
  ['admin', MIDDLE],
  ['cli', [...MIDDLE, 'admin', 'broker', 'placement', 'journal']],
]);

/** Why a folder's imports are limited, where the reason is more than the general direction. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['base', 'base is what everything stands on, so it imports nothing of ours'],
  ['mqtt', 'mqtt is the protocol alone, usable and testable without a broker around it, so it imports only base'],
  ['placement', 'placement runs as a service of its own: it never sees the broker or the journal'],
  ['journal', 'journal runs as a service of its own: it never sees the broker or placement'],
]);

const DIRECTION =
  'imports run one way: main → cli, admin, broker, placement, journal → rpc, mqtt, telemetry, config → base';

/** Folders directly under src, and ports before engines. The files of src itself compose the program: they see all. */
export function checkLayers(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !isTest(path))
    .flatMap((file) =>
      file.module.imports.flatMap(({ target, position }) => {
        const message = target === undefined ? undefined : refusal(file.path, target);
        return message === undefined ? [] : [{ file: file.path, line: lineOf(file.text, position), message }];
      }),
    );
}

function refusal(from: string, target: string): string | undefined {
  const [, folder, inner] = from.split('/') as [string, string, string | undefined];
  const isComposition = inner === undefined;
  if (!target.startsWith('src/') && !target.endsWith('package.json')) {
    return `imports ${target}: the program must run without tests, tools and benchmarks, so src imports only src`;
  }
  if (isTest(target)) return `imports the test ${target}: what the program runs on cannot live in a test`;
  if (isComposition) return undefined;
  const engines = /^(src\/.*?engines\/)/.exec(target)?.[1];
  if (engines !== undefined && !from.startsWith(engines)) {
    return `imports the engine ${target}: engines are chosen in the composition root alone, everyone else sees the port`;
  }
  const allowed = MAY_IMPORT.get(folder);
  if (allowed === undefined) return `src/${folder} has no place in the import direction: add it to tools/import-rules`;
  return folderRefusal(folder, target, allowed);
}

function folderRefusal(folder: string, target: string, allowed: readonly string[]): string | undefined {
  const [, targetFolder, targetInner, beyondRoot] = target.split('/') as [string, string, string?, string?];
  if (targetFolder === folder) return undefined;
  if (targetInner === undefined) {
    const isStart = folder === 'cli' || target.endsWith('package.json');
    return isStart ? undefined : `imports ${target}: the composition root imports everyone, so no one may import it`;
  }
  if (!allowed.includes(targetFolder)) return `imports ${target}: ${REASONS.get(folder) ?? DIRECTION}`;
  if (folder === 'broker' && (targetFolder === 'placement' || targetFolder === 'journal') && beyondRoot !== undefined) {
    return `imports ${target}: the broker sees ${targetFolder} through the port files in its root alone, because it may be another process`;
  }
  return undefined;
}
