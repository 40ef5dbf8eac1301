import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Backend } from './backend.ts';
import { backendsFolder, executableOf, provideBackend } from './backend-cache.ts';
import { BackendError } from './backend-error.ts';
import { GoCommand } from './go-command.ts';

const GO = new GoCommand();

/** Counts how often it is built; what it makes says which time it was. */
class CountedBackend implements Backend {
  readonly name = 'jaeger';
  readonly version = '1.2.3';
  readonly recipe: string;
  builds = 0;

  constructor(recipe = 'as always') {
    this.recipe = recipe;
  }

  build(_go: GoCommand, folder: string): string {
    this.builds += 1;
    assert.deepEqual(readdirSync(folder), []);
    const file = join(folder, 'program');
    writeFileSync(file, `build ${this.builds}`);
    return file;
  }
}

describe('built backends', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robustmq-backends-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('lie where a variable says, or in the user’s cache', () => {
    assert.equal(backendsFolder({ ROBUSTMQ_BACKENDS_DIR: '/elsewhere' }), '/elsewhere');
    assert.match(backendsFolder({}), /\/\.cache\/robustmq\/backends$/);
  });

  it('are built once', () => {
    const backend = new CountedBackend();
    const path = provideBackend(backend, GO, folder);
    assert.equal(path, executableOf(backend, folder));
    assert.equal(provideBackend(backend, GO, folder), path);
    assert.equal(readFileSync(path, 'utf8'), 'build 1');
    assert.deepEqual(readdirSync(folder), [basename(path)]);
  });

  it('are built anew, beside the old one, when the recipe changes', () => {
    provideBackend(new CountedBackend(), GO, folder);
    const changed = new CountedBackend('with another component');
    provideBackend(changed, GO, folder);
    assert.equal(changed.builds, 1);
    assert.equal(readdirSync(folder).length, 2);
  });

  it('leave nothing behind when they cannot be built', () => {
    const failing: Backend = {
      name: 'jaeger',
      version: '1.2.3',
      recipe: '',
      build: (_go, building) => {
        writeFileSync(join(building, 'half'), '');
        throw new BackendError('not_built', 'it does not compile');
      },
    };
    assert.throws(() => provideBackend(failing, GO, folder), { code: 'not_built' });
    assert.deepEqual(readdirSync(folder), []);
  });

  it('clear away what an interrupted build left, and not what is being built', () => {
    const { pid: ended } = spawnSync(process.execPath, ['--version']);
    mkdirSync(join(folder, `building-${ended}-a1b2c3`));
    const running = `building-${process.ppid}-a1b2c3`;
    mkdirSync(join(folder, running));
    const path = provideBackend(new CountedBackend(), GO, folder);
    assert.deepEqual(readdirSync(folder).toSorted(), [running, basename(path)].toSorted());
  });
});

describe('the go command', () => {
  const failure = (program: string, ...parameters: string[]) => {
    try {
      new GoCommand(program).fetch(tmpdir(), ...parameters);
    } catch (error) {
      assert.ok(error instanceof BackendError);
      return error;
    }
    throw new Error('it succeeded');
  };

  it('that is not installed is told from one that cannot fetch', () => {
    assert.equal(failure('no-such-program-anywhere').code, 'go_missing');
    const failed = failure(process.execPath, '-e', 'console.error("no route to the proxy"); process.exit(1)');
    assert.equal(failed.code, 'not_fetched');
    assert.match(failed.message, /exit code 1\nno route to the proxy$/);
  });

  it('returns what it printed', () => {
    assert.equal(new GoCommand(process.execPath).fetch(tmpdir(), '-p', '1 + 1'), '2\n');
  });
});
