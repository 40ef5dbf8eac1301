import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PasswordFileError, parsePasswordFile, withPassword } from './password-file.ts';
import { parsePasswordHash } from './password-hash.ts';
import { cheapLine } from './testing/cheap-hash.ts';

const hashOf = (line: string) => parsePasswordHash(line.trim().slice(line.lastIndexOf(':') + 1))!;

describe('reading', () => {
  test('comments and empty lines mean nothing; a user name may hold colons; line ends may be CRLF', () => {
    const text = `# users\n\n${cheapLine('alice', 'a')}${cheapLine('urn:dev:7', 'b').replace('\n', '\r\n')}`;
    assert.deepEqual([...parsePasswordFile(text, 'f').keys()], ['alice', 'urn:dev:7']);
  });

  test('a malformed line is refused with file and line, and not quoted', () => {
    const refused = (line: string, reason: RegExp) =>
      assert.throws(
        () => parsePasswordFile(`${cheapLine('alice', 'a')}\n${line}\n`, '/etc/mq/passwords'),
        (error: unknown) =>
          error instanceof PasswordFileError &&
          error.code === 'malformed' &&
          error.message.startsWith('/etc/mq/passwords:3: ') &&
          reason.test(error.message) &&
          !error.message.includes('hunter2'),
      );
    refused('hunter2', /not a line of the form/);
    refused(':hunter2', /not a line of the form/);
    refused('bob:hunter2', /no scrypt hash/);
    refused(cheapLine('alice', 'hunter2').trim(), /already/);
  });
});

describe('writing', () => {
  const [alice, bob, other] = [cheapLine('alice', 'a'), cheapLine('bob', 'b'), cheapLine('alice', 'other')];

  test('adds at the end, replaces in place, removes, and leaves all other lines as they are', () => {
    const text = `# users\n${alice}`;
    assert.equal(withPassword('', 'alice', hashOf(alice)), alice);
    assert.equal(withPassword(text, 'bob', hashOf(bob)), `${text}${bob}`);
    assert.equal(withPassword(`${text}${bob}`, 'alice', hashOf(other)), `# users\n${other}${bob}`);
    assert.equal(withPassword(`${text}${bob}`, 'alice', undefined), `# users\n${bob}`);
    assert.equal(withPassword(alice, 'alice', undefined), '');
    assert.equal(withPassword(text, 'carol', undefined), text);
  });

  test('a name that would break the file is refused', () => {
    for (const user of ['', '#alice', 'ali\nce', 'al\0ice'])
      assert.throws(() => withPassword('', user, hashOf(alice)), { code: 'unusable_name' });
  });
});
