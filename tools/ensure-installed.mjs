/*
 * Run before `npm start` and `npm test`: installs what the lockfile wants where it is not there, and says why. Plain
 * JavaScript, as it runs on whatever Node there is, from 18 on. It touches no network when all is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE_MAJOR = 18;

/**
 * Why the installed packages are not those of the lockfile, or undefined when they are. npm notes what it installed in
 * node_modules/.package-lock.json, so nothing but two files is read.
 * @param {string} root folder of package.json
 * @param {boolean} withDevelopment whether what only development needs has to be there too
 * @returns {string | undefined}
 */
export function reasonToInstall(root, withDevelopment) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  if (wanted === undefined) throw new Error('package-lock.json is missing or not readable');
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'nothing is installed yet';
  for (const [path, { version, integrity, optional, dev }] of Object.entries(wanted)) {
    if (path === '' || (dev === true && !withDevelopment)) continue;
    const name = path.replace(/^.*node_modules\//, '');
    const found = installed[path];
    if (found === undefined) {
      // Packages for other platforms are in the lockfile and never installed.
      if (optional === true) continue;
      return `${name} is not installed`;
    }
    if (found.version !== version)
      return `${name} is installed in version ${found.version}, and the lockfile says ${version}`;
    // The lockfile knows the checksums of those packages alone that were to be had where it was made.
    if (integrity !== undefined && found.integrity !== integrity)
      return `${name} ${version} is installed with another checksum than the lockfile says`;
  }
  return existsSync(join(root, 'node_modules', 'node', 'bin')) ? undefined : 'the pinned Node is not there';
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @returns {number} exit code of npm */
function install(root) {
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  // Quiet about packages that want a newer Node than the one npm runs on: they get it.
  const { status, error } = spawnSync(command, [...first, 'ci', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: command === 'npm' && process.platform === 'win32',
  });
  if (error !== undefined) process.stderr.write(`${error.message}\n`);
  return status ?? 1;
}

function main() {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE_MAJOR) {
    process.stderr.write(
      `RobustMQ needs Node ${OLDEST_NODE_MAJOR} or newer to install itself; this is ${process.versions.node}.\n`,
    );
    return 1;
  }
  const reason = reasonToInstall(root, process.env.npm_lifecycle_event !== 'prestart');
  if (reason === undefined) return 0;
  process.stderr.write(`Running npm ci: ${reason}.\n`);
  const status = install(root);
  if (status !== 0)
    process.stderr.write('npm ci failed, and without the packages nothing can run; what npm says is above.\n');
  return status;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main();
