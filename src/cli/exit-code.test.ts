import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirectoryLockError } from '../base/directory-lock.ts';
import { CodedError } from '../base/errors.ts';
import { ListenError } from '../broker/listener.ts';
import { JournalError } from '../journal/journal.ts';
import { explain } from './exit-code.ts';

const systemError = (code: string, message: string) => Object.assign(new Error(message), { code });

test('expected errors are told by their own sentence, with an exit code to branch on', () => {
  assert.deepEqual(explain(new DirectoryLockError('locked', '/srv/mq is in use by node a')), {
    exitCode: 75,
    sentence: '/srv/mq is in use by node a',
  });
  assert.equal(explain(new ListenError('address_in_use', 'taken')).exitCode, 69);
  assert.equal(explain(new JournalError('corrupt', 'damage')).exitCode, 65);
  assert.equal(explain(new JournalError('no_space', 'full')).exitCode, 74);
  assert.equal(explain(new CodedError('constructor', 'odd')).exitCode, 70);
});

test('errors of the system say what they mean here', () => {
  assert.deepEqual(explain(systemError('EACCES', 'listen EACCES: permission denied 127.0.0.1:80')), {
    exitCode: 77,
    sentence: 'this user may not do that (listen EACCES: permission denied 127.0.0.1:80)',
  });
  assert.equal(explain(systemError('ENOSPC', 'write')).exitCode, 74);
});

test('anything else is a bug and shows where it happened', () => {
  const { exitCode, sentence } = explain(new TypeError('x is not a function'));
  assert.equal(exitCode, 70);
  assert.match(sentence, /bug in RobustMQ: TypeError: x is not a function\n\s+at /);
  assert.equal(explain('thrown text').exitCode, 70);
});
