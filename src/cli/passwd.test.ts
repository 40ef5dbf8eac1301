import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PASSWORD_FILE } from '../broker/auth/password-file.ts';
import { verifyPassword } from '../broker/auth/password-hash.ts';
import { deriveScramCredential } from '../broker/auth/scram-credential.ts';
import { SCRAM_FILE } from '../broker/auth/scram-file.ts';
import { parseUserFile } from '../broker/auth/user-file.ts';
import { CommandWorld } from './testing/run-command.ts';

const newFile = async () => join(await mkdtemp(join(tmpdir(), 'robustmq-passwd-')), 'passwords');

async function piped(password: string, ...parameters: string[]) {
  const world = new CommandWorld();
  world.stdin.end(password);
  const exitCode = await world.run('passwd', ...parameters);
  return { exitCode, stdout: world.stdout.text, stderr: world.stderr.text };
}

async function accepts(file: string, user: string, password: string): Promise<boolean> {
  const hash = parseUserFile(await readFile(file, 'utf8'), file, PASSWORD_FILE).get(user);
  return hash !== undefined && verifyPassword(hash, Buffer.from(password));
}

/** Types at prompts, as at a terminal: each answer once its prompt is there. */
async function typed(answers: readonly string[], ...parameters: string[]) {
  const world = new CommandWorld();
  world.stdin.isTTY = true;
  const remaining = [...answers];
  world.stderr.write = function write(text: string): void {
    this.text += text;
    const answer = text.endsWith(': ') ? remaining.shift() : undefined;
    if (answer !== undefined) setImmediate(() => world.stdin.write(answer));
  };
  const exitCode = await world.run('passwd', ...parameters);
  return { exitCode, stdout: world.stdout.text, stderr: world.stderr.text };
}

describe('a password from standard input', () => {
  test('makes the file, readable for its owner alone, and adds and changes users', async () => {
    const file = await newFile();
    assert.deepEqual(await piped('secret\n', '--stdin', file, 'alice'), {
      exitCode: 0,
      stdout: `Added alice in ${file}.\n`,
      stderr: '',
    });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(await accepts(file, 'alice', 'secret'), true);

    assert.match((await piped('other', '--stdin', file, 'alice')).stdout, /^Changed the password of alice/);
    assert.equal(await accepts(file, 'alice', 'secret'), false);
    assert.equal(await accepts(file, 'alice', 'other'), true);
  });

  test('keeps comments, closes a file that was open to others, leaves no draft, follows a symbolic link', async () => {
    const file = await newFile();
    await writeFile(file, '# the devices\n');
    await chmod(file, 0o644);
    const link = `${file}-link`;
    await symlink(file, link);
    assert.equal((await piped('x', link, 'bob')).exitCode, 0);
    assert.match(await readFile(file, 'utf8'), /^# the devices\nbob:\$scrypt\$/);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(join(file, '..'))).sort(), ['passwords', 'passwords-link']);
  });

  test('is refused when it is empty or longer than MQTT can carry', async () => {
    const file = await newFile();
    assert.equal((await piped('\n', '--stdin', file, 'alice')).exitCode, 1);
    assert.match((await piped('x'.repeat(65_536), '--stdin', file, 'alice')).stderr, /longer than MQTT can carry/);
    assert.equal((await piped('x'.repeat(200_000), '--stdin', file, 'alice')).exitCode, 1);
    await assert.rejects(stat(file), { code: 'ENOENT' });
  });
});

describe('a password from the terminal', () => {
  test('is asked for twice and never shown', async () => {
    const file = await newFile();
    const { exitCode, stdout, stderr } = await typed(['hunter2\n', 'hunter2\n'], file, 'alice');
    assert.equal(exitCode, 0);
    assert.equal(await accepts(file, 'alice', 'hunter2'), true);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
  });

  test('changes nothing when the two differ, or the user gives up', async () => {
    const file = await newFile();
    assert.match((await typed(['one\n', 'two\n'], file, 'alice')).stderr, /the two passwords differ/);
    assert.match((await typed(['\x03'], file, 'alice')).stderr, /no password was given/);
    await assert.rejects(stat(file), { code: 'ENOENT' });
  });
});

describe('--scram', () => {
  const scramOf = async (file: string) => parseUserFile(await readFile(file, 'utf8'), file, SCRAM_FILE);

  test('writes what the server checks a proof with, and not the password, under the name that clients send', async () => {
    const file = await newFile();
    const { exitCode, stdout } = await piped('pencil', '--scram', '--iterations', '5000', file, 'I\u00adX');
    assert.deepEqual([exitCode, stdout], [0, `Added IX in ${file}.\n`]);
    const { iterations, salt, storedKey } = (await scramOf(file)).get('IX')!;
    assert.equal(iterations, 5000);
    assert.deepEqual((await deriveScramCredential('pencil', iterations, salt))?.storedKey, storedKey);
    assert.match((await piped('other', '--scram', file, 'IX')).stdout, /^Changed/);
    assert.equal((await scramOf(file)).get('IX')?.iterations, 15_000);
    assert.equal((await piped('', '--scram', '--delete', file, 'IX')).exitCode, 0);
    assert.equal((await scramOf(file)).size, 0);
  });

  test('refuses too few iterations, what SASLprep forbids, and a file of other passwords', async () => {
    const file = await newFile();
    assert.equal((await piped('x', '--scram', '--iterations', '4095', file, 'alice')).exitCode, 64);
    assert.match((await piped('a\u0007b', '--scram', file, 'alice')).stderr, /SCRAM does not allow this password/);
    assert.equal((await piped('x', '--scram', file, 'al\u0007ice')).exitCode, 64);
    await piped('x', file, 'alice');
    const { exitCode, stderr } = await piped('x', '--scram', file, 'alice');
    assert.equal(exitCode, 78);
    assert.match(stderr, /passwords:1: no credential of SCRAM-SHA-256/);
  });
});

describe('--delete', () => {
  test('removes the user and asks for nothing', async () => {
    const file = await newFile();
    await piped('a', file, 'alice');
    await piped('b', file, 'bob');
    assert.equal((await piped('', '--delete', file, 'alice')).exitCode, 0);
    assert.deepEqual([...parseUserFile(await readFile(file, 'utf8'), file, PASSWORD_FILE).keys()], ['bob']);
  });

  test('of somebody who is not there says so and exits 1', async () => {
    const file = await newFile();
    const { exitCode, stderr } = await piped('', '--delete', file, 'alice');
    assert.equal(exitCode, 1);
    assert.match(stderr, /has no user alice/);
  });
});

test('a file that is no password file is not touched', async () => {
  const file = await newFile();
  await writeFile(file, 'shopping list\n');
  const { exitCode, stderr } = await piped('x', file, 'alice');
  assert.equal(exitCode, 78);
  assert.match(stderr, /passwords:1: /);
  assert.equal(await readFile(file, 'utf8'), 'shopping list\n');
});

test('a user name that would break the file is refused', async () => {
  assert.equal((await piped('x', await newFile(), '#alice')).exitCode, 64);
});
