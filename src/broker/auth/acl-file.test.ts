import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../config/load-config.ts';
import type { AccessAction, AccessDecision, AccessRules } from './access-rules.ts';
import { parseAclFile, readAclFiles } from './acl-file.ts';

type Who = { readonly username?: string; readonly clientId?: string };

const decide = (rules: AccessRules, who: Who, action: AccessAction, topic: string): AccessDecision | undefined =>
  rules.find({ username: undefined, clientId: 'c', address: '127.0.0.1', ...who }, action, topic);

/** The line that decides, with a minus for a denial; 0 where none does. */
function deciding(text: string) {
  const rules = parseAclFile(text, 'acl');
  return (who: Who, action: AccessAction, topic: string): number => {
    const decision = decide(rules, who, action, topic);
    if (decision === undefined) return 0;
    assert.match(decision.rule, /^acl_file:\d+$/);
    return Number(decision.rule.slice('acl_file:'.length)) * (decision.allowed ? 1 : -1);
  };
}

const STRANGER: Who = {};
const ALICE: Who = { username: 'alice' };

describe('an ACL file', () => {
  test('gives topics to clients without a name first, then to those named', () => {
    const line = deciding(`# comment
topic public/#

user alice
topic read sensors/+/out
topic write sensors/+/in
user bob
topic readwrite private data/#
`);
    assert.equal(line(STRANGER, 'publish', 'public/a'), 2);
    assert.equal(line(STRANGER, 'subscribe', 'public/a'), 2);
    assert.equal(line(ALICE, 'publish', 'public/a'), 0);
    assert.equal(line(ALICE, 'subscribe', 'sensors/1/out'), 5);
    assert.equal(line(ALICE, 'publish', 'sensors/1/out'), 0);
    assert.equal(line(ALICE, 'publish', 'sensors/1/in'), 6);
    assert.equal(line({ username: 'bob' }, 'publish', 'private data/x'), 8);
    assert.equal(line({ username: 'carol' }, 'publish', 'public/a'), 0);
  });

  test('gives patterns to everybody, wherever they stand, with client id and user name put in', () => {
    const line = deciding('user alice\npattern write from/%c/#\npattern read to/%u\n');
    assert.equal(line({ clientId: 'x' }, 'publish', 'from/x/t'), 2);
    assert.equal(line({ clientId: 'x' }, 'publish', 'from/y/t'), 0);
    assert.equal(line({ username: 'bob' }, 'subscribe', 'to/bob'), 3);
    assert.equal(line(STRANGER, 'subscribe', 'to/'), 0, 'who has no name gets nothing by it');
    assert.equal(line({ clientId: '+' }, 'publish', 'from/x/t'), 0, 'a name is no wildcard');
  });

  test('asks the lines of the user before patterns, and denials before permissions, whatever their order', () => {
    const line = deciding('pattern deny a/b\nuser alice\ntopic a/#\ntopic deny a/secret\npattern read a/b\n');
    assert.equal(line(ALICE, 'publish', 'a/x'), 3);
    assert.equal(line(ALICE, 'publish', 'a/secret'), -4);
    assert.equal(line(ALICE, 'publish', 'a/b'), 3);
    assert.equal(line({ username: 'bob' }, 'subscribe', 'a/b'), -1);
  });

  test('judges a subscription as a whole: all of it must be allowed, nothing of it denied', () => {
    const line = deciding('topic read a/#\ntopic deny a/secret\n');
    assert.equal(line(STRANGER, 'subscribe', 'a/b/#'), 1);
    assert.equal(line(STRANGER, 'subscribe', 'a/#'), -2);
    assert.equal(line(STRANGER, 'subscribe', '#'), -2);
    assert.equal(line(STRANGER, 'subscribe', '+'), 0);
  });

  test('takes what editors on Windows write, and spaces around and between words', () => {
    const line = deciding('user  alice smith \r\n\ttopic \t read   a/b c \r\n');
    assert.equal(line({ username: 'alice smith' }, 'subscribe', 'a/b c'), 2);
  });

  test('is refused by file and line for what means nothing', () => {
    for (const [text, message] of [
      ['allow a', /^acl:1: "allow" begins no line/],
      ['\n\nuser', /^acl:3: a user line names a user/],
      ['topic', /^acl:1: the topic is missing/],
      ['topic a/#/b', /^acl:1: "a\/#\/b" is no topic filter/],
      ['topic all a/b', /^acl:1: "all" is no access/],
      ['topic from/%c', /^acl:1: .* in pattern lines only/],
      ['pattern read a+', /^acl:1: "a\+" is no topic filter/],
      ['topic deny $share/g/a', /^acl:1: "\$share\/g\/a" would never fit/],
      ['alice:$scrypt$ln=15,r=8,p=1$salt$hash', /^acl:1: what stands here begins no line/],
    ] as const)
      assert.throws(() => parseAclFile(text, 'acl'), { code: 'malformed', message });
  });
});

test('a listener has its own file, or that of all', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'robustmq-acl-'));
  try {
    const write = async (name: string, text: string): Promise<string> => {
      await writeFile(join(directory, name), text);
      return join(directory, name);
    };
    const all = await write('all', 'topic all');
    const devices = await write('devices', 'topic devices');
    const set = ['listeners.0.name=a', 'listeners.1.name=b', 'listeners.1.port=0', `listeners.1.acl_file=${devices}`];
    const load = (...more: string[]) => loadConfig({ environment: {}, flags: { set: [...set, ...more] } });
    const files = await readAclFiles(load(`authorization.acl_file=${all}`));
    assert.equal(decide(files.get('a')!, {}, 'publish', 'all')?.allowed, true);
    assert.equal(decide(files.get('b')!, {}, 'publish', 'all'), undefined);
    assert.equal(decide(files.get('b')!, {}, 'publish', 'devices')?.allowed, true);
    assert.deepEqual([...(await readAclFiles(load())).keys()], ['b']);
    const missing = load(`authorization.acl_file=${join(directory, 'missing')}`);
    await assert.rejects(readAclFiles(missing), { code: 'unreadable', message: /missing \(acl_file\) cannot be read/ });
    await writeFile(join(directory, 'latin-1'), Buffer.from('user J\xfcrgen\ntopic deny #\n', 'latin1'));
    const latin = load(`authorization.acl_file=${join(directory, 'latin-1')}`);
    await assert.rejects(readAclFiles(latin), { code: 'malformed', message: /latin-1: .* UTF-8$/ });
  } finally {
    await rm(directory, { recursive: true });
  }
});
