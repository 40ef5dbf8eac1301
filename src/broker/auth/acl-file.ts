import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { CodedError } from '../../base/errors.ts';
import type { Config } from '../../config/schema.ts';
import { AccessRules, type CompiledRule, type Principal, refusalOfFilter } from './access-rules.ts';
import type { AclFiles } from './authorizer.ts';

/*
 * Access rules in the form of mosquitto's acl_file. `topic [read|write|readwrite|deny] filter` is for the user named by the
 * `user` line above it, and above the first one for clients without a user name; `pattern …` is for everybody, wherever it
 * stands, and has %c and %u replaced. Of the lines for a client those of its user are asked before patterns, and of either
 * a denial before a permission, whatever their order. What no line allows is not allowed.
 */

export type AclFileErrorCode = 'unreadable' | 'malformed';

/** The message names file and line. */
class AclFileError extends CodedError<AclFileErrorCode> {}

type Access = 'read' | 'write' | 'readwrite' | 'deny';

const ACTIONS = { read: 'subscribe', write: 'publish', readwrite: 'all', deny: 'all' } as const;

/** The order in which lines are asked. */
type Rank = 0 | 1 | 2 | 3;

/** The ACL file of each listener that has one. Throws an AclFileError for a file that cannot be read or is malformed. */
export async function readAclFiles({ listeners, authorization }: Config): Promise<AclFiles> {
  const files = new Map<string, Promise<AccessRules>>();
  const byListener = new Map<string, AccessRules>();
  for (const { name, aclFile = authorization.aclFile } of listeners) {
    if (aclFile === undefined) continue;
    if (!files.has(aclFile)) files.set(aclFile, readAclFile(aclFile));
    byListener.set(name, await files.get(aclFile)!);
  }
  return byListener;
}

async function readAclFile(file: string): Promise<AccessRules> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new AclFileError('unreadable', `the ACL file ${file} (acl_file) cannot be read: ${error.message}`, error);
  });
  // Or a line for a name in another encoding would be for nobody, and if it denies, deny nothing.
  if (!isUtf8(bytes)) throw new AclFileError('malformed', `${file}: an ACL file is text in UTF-8`);
  return parseAclFile(bytes.toString(), file);
}

/** `file` is for messages. */
export function parseAclFile(text: string, file: string): AccessRules {
  const ranked: { readonly rank: Rank; readonly rule: CompiledRule }[] = [];
  let user: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const refuse = (reason: string): never => {
      throw new AclFileError('malformed', `${file}:${index + 1}: ${reason}`);
    };
    const [keyword, rest] = splitWord(content);
    switch (keyword) {
      case 'user':
        user = rest === '' ? refuse('a user line names a user') : rest;
        break;
      case 'topic':
      case 'pattern': {
        const { access, filter } = parseAccess(rest, refuse);
        checkFilter(filter, keyword, refuse);
        const decision = { allowed: access !== 'deny', rule: `acl_file:${index + 1}` };
        const appliesTo = keyword === 'pattern' ? everybody : only(user);
        const rank = ((keyword === 'pattern' ? 2 : 0) + (access === 'deny' ? 0 : 1)) as Rank;
        ranked.push({ rank, rule: { decision, action: ACTIONS[access], topics: [filter], appliesTo } });
        break;
      }
      default:
        refuse(`${quoted(keyword)} begins no line of an ACL file: user, topic, pattern or # does`);
    }
  }
  return new AccessRules(ranked.sort((a, b) => a.rank - b.rank).map(({ rule }) => rule));
}

const everybody = (): boolean => true;
const only =
  (user: string | undefined) =>
  ({ username }: Principal): boolean =>
    username === user;

type Refuse = (reason: string) => never;

/** A line that names no access allows both ways; its filter must then be without spaces, as mosquitto has it. */
function parseAccess(text: string, refuse: Refuse): { readonly access: Access; readonly filter: string } {
  const [first, rest] = splitWord(text);
  if (first === '') return refuse('the topic is missing');
  if (rest === '') return { access: 'readwrite', filter: first };
  if (!Object.hasOwn(ACTIONS, first)) return refuse(`"${first}" is no access: read, write, readwrite or deny is`);
  return { access: first as Access, filter: rest };
}

function checkFilter(filter: string, keyword: 'topic' | 'pattern', refuse: Refuse): void {
  const hasPlaceholder = /%[cu]/.test(filter);
  const reason = refusalOfFilter(filter);
  if (reason !== undefined) refuse(`"${filter}" ${reason}`);
  if (keyword === 'topic' && hasPlaceholder)
    refuse(`"${filter}": %c and %u stand for a name in pattern lines only; write pattern, or do without them`);
}

/** A word that may be a typing error; anything else may be a secret of a file that was named by mistake. */
const quoted = (word: string): string => (/^\w{1,16}$/.test(word) ? `"${word}"` : 'what stands here');

/** The first word, and what follows the spaces behind it. */
function splitWord(text: string): readonly [word: string, rest: string] {
  const end = text.search(/[ \t]/);
  return end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end).trim()];
}
