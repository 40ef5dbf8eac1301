import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { CodedError } from '../../base/errors.ts';
import type { AuthorizationRule } from '../../config/schema.ts';
import { isValidTopicFilter, parseSharedFilter, topicMatches } from '../../mqtt/topic.ts';
import { covers, overlaps } from './filter-relation.ts';

export type AccessRuleErrorCode = 'invalid_filter' | 'invalid_address';

class AccessRuleError extends CodedError<AccessRuleErrorCode> {}

/** Whoever asks. */
export interface Principal {
  readonly clientId: string;
  /** Verified (`AuthOutcome.identity`), never merely claimed. */
  readonly username: string | undefined;
  /** IP address, without the port. */
  readonly address: string;
}

export type AccessAction = 'publish' | 'subscribe';

export interface AccessDecision {
  readonly allowed: boolean;
  /** Index of the rule that decided; `default` when none did, `reserved` for topics that are the broker's own. */
  readonly rule: number | 'default' | 'reserved';
}

/** Answers from memory; whoever asks per message caches the answer. */
export interface Authorizer {
  /** `topic` is a topic name to publish to, or a filter (plain or `$share/…`) to subscribe to. */
  authorize(principal: Principal, action: AccessAction, topic: string): AccessDecision;
}

interface CompiledRule {
  readonly allows: boolean;
  readonly action: AuthorizationRule['action'];
  readonly topics: readonly string[];
  readonly appliesTo: (principal: Principal) => boolean;
}

const RESERVED = '$SYS/#';

/**
 * The first rule that fits decides. Without rules all is allowed; with rules, what none of them fits is not.
 * @param where the rules come from, for the message that refuses one
 */
export function compileAccessRules(rules: readonly AuthorizationRule[], where = 'authorization.rules'): Authorizer {
  const compiled = rules.map((rule, index) => compileRule(rule, `${where}.${index}`));
  return {
    authorize(principal, action, topic) {
      if (action === 'publish' && topicMatches(RESERVED, topic)) return { allowed: false, rule: 'reserved' };
      const filter = action === 'subscribe' ? subscribedFilter(topic) : topic;
      const rule = compiled.findIndex((candidate) => fits(candidate, principal, action, filter));
      if (rule === -1) return { allowed: compiled.length === 0, rule: 'default' };
      return { allowed: compiled[rule]!.allows, rule };
    },
  };
}

/** Sharing changes who of a group gets a message, not which messages. */
function subscribedFilter(filter: string): string {
  const parsed = parseSharedFilter(filter);
  return parsed.type === 'shared' ? parsed.filter : filter;
}

function fits(rule: CompiledRule, principal: Principal, action: AccessAction, topic: string): boolean {
  if (rule.action !== 'all' && rule.action !== action) return false;
  if (!rule.appliesTo(principal)) return false;
  const relation = action === 'publish' ? topicMatches : subscriptionRelation(rule);
  return rule.topics.some((template) => {
    const filter = fillIn(template, principal);
    return filter !== undefined && relation(filter, topic);
  });
}

/** To subscribe is to receive all that the filter matches: allowed if all of that is, denied if any of it is. */
const subscriptionRelation = (rule: CompiledRule): ((filter: string, requested: string) => boolean) =>
  rule.allows ? covers : overlaps;

/**
 * The filter with %c and %u replaced, or undefined where a name would make more of the rule than it says: by holding a
 * wildcard or a separator, by beginning a filter with $, or by not being there at all.
 */
function fillIn(template: string, { clientId, username }: Principal): string | undefined {
  let isSafe = true;
  const filter = template.replaceAll(/%[cu]/g, (placeholder) => {
    const name = placeholder === '%c' ? clientId : (username ?? '');
    if (name === '' || /[+#/\0]/.test(name)) isSafe = false;
    return name;
  });
  if (filter.startsWith('$') && !template.startsWith('$')) isSafe = false;
  return isSafe ? filter : undefined;
}

function compileRule(rule: AuthorizationRule, key: string): CompiledRule {
  for (const topic of rule.topics)
    if (!isValidTopicFilter(topic.replaceAll(/%[cu]/g, 'name')))
      throw new AccessRuleError('invalid_filter', `${key}.topics: "${topic}" is no topic filter`);
  const isFrom = rule.address === undefined ? () => true : addressMatcher(rule.address, key);
  return {
    allows: rule.permission === 'allow',
    action: rule.action,
    topics: rule.topics,
    appliesTo: ({ clientId, username, address }) =>
      (rule.user === undefined || rule.user === username) &&
      (rule.client === undefined || rule.client === clientId) &&
      isFrom(address),
  };
}

/** One IP address or a CIDR block; an IPv4 address that comes as `::ffff:…` counts as itself. */
function addressMatcher(block: string, key: string): (address: string) => boolean {
  const [network = '', prefix, ...rest] = block.split('/');
  const family = isIPv4(network) ? 'ipv4' : isIPv6(network) ? 'ipv6' : undefined;
  const longest = family === 'ipv4' ? 32 : 128;
  const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (family === undefined || length < 0 || length > longest || rest.length > 0)
    throw new AccessRuleError(
      'invalid_address',
      `${key}.address: "${block}" is no IP address or CIDR block, such as 10.0.0.0/8`,
    );
  const list = new BlockList();
  list.addSubnet(network, length, family);
  return (address) => (isIPv4(address) ? list.check(address, 'ipv4') : isIPv6(address) && list.check(address, 'ipv6'));
}
