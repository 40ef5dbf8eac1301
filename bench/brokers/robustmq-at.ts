import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrokerKind } from './broker.ts';
import { ROOT, robustmqIn } from './robustmq.ts';

const PREFIX = 'robustmq@';

/** Another commit of our broker, to be named `robustmq@<revision>`; undefined for any other name. */
export function robustmqAt(name: string): BrokerKind | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const revision = name.slice(PREFIX.length);
  let checkout: string | undefined;
  return robustmqIn(name, () => {
    checkout ??= checkOut(revision);
    return checkout;
  });
}

/** The commit's files with the packages its own lockfile names, in a folder that goes when the process ends. */
function checkOut(revision: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'robustmq-commit-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const archive = execFileSync('git', ['archive', revision], { cwd: ROOT, maxBuffer: 1 << 28 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  execFileSync('npm', ['ci', '--prefer-offline', '--omit=dev'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return folder;
}
