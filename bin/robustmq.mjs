#!/usr/bin/env node
/*
 * Starts RobustMQ on whatever Node there is, from 18 on: itself when it can run TypeScript as it is, else the Node that
 * the lockfile carries. Plain JavaScript, as an old Node reads this file.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src', 'main.ts');
// A published package holds dist alone: Node does not strip types below node_modules.
const entry = existsSync(source) ? source : join(root, 'dist', 'main.js');

/** From 24 on Node knows all that the sources are written in: types that are stripped without a flag, and `using`. */
function canRunEntry(version) {
  return Number(version.split('.')[0]) >= 24;
}

function findPinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function runOn(node) {
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`robustmq: ${node} cannot be run: ${error.message}\n`);
    process.exitCode = 69;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

if (canRunEntry(process.versions.node)) {
  await import(pathToFileURL(entry).href);
} else {
  const node = findPinnedNode();
  if (node === undefined) {
    process.stderr.write(
      `robustmq: Node ${process.versions.node} is too old, and the one that comes with RobustMQ is not installed; run \`npm ci\` in ${root}\n`,
    );
    process.exitCode = 69;
  } else {
    runOn(node);
  }
}
