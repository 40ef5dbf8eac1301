import { addressBlock } from '../../base/address-block.ts';
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
  /** Name of the listener it came by. */
  readonly listener?: string;
  /** Rules that came with its proof of identity: they alone decide for it. */
  readonly rules?: AccessRules | undefined;
}

export type AccessAction = 'publish' | 'subscribe';

export interface AccessDecision {
  readonly allowed: boolean;
  /**
   * What decided: `rules.3` (configuration), `{list}.3` (another list in placement), `acl_file:12` (a line of it), `jwt.0`
   * (a claim of the client's token), `jwt.default` (none of its claims), `default` (no rule), `reserved` (topics that are
   * the broker's own).
   */
  readonly rule: string;
}

/** Answers from memory; whoever asks per message caches the answer. */
export interface Authorizer {
  /** `topic` is a topic name to publish to, or a filter (plain or `$share/…`) to subscribe to. */
  authorize(principal: Principal, action: AccessAction, topic: string): AccessDecision;
}

/** A rule in the form in which it is asked. */
export interface CompiledRule {
  /** Given back when the rule decides. */
  readonly decision: AccessDecision;
  readonly action: AuthorizationRule['action'];
  /** Filters, with %c and %u still in them. */
  readonly topics: readonly string[];
  readonly appliesTo: (principal: Principal) => boolean;
}

/** Rules in the order in which they are asked: the first that fits decides. */
export class AccessRules {
  readonly #rules: readonly CompiledRule[];

  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules;
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** These rules, then those of `others`. */
  followedBy(others: AccessRules): AccessRules {
    return new AccessRules([...this.#rules, ...others.#rules]);
  }

  /** Undefined when no rule fits. `topic` as in Authorizer, without `$share/…`. */
  find(principal: Principal, action: AccessAction, topic: string): AccessDecision | undefined {
    return this.#rules.find((rule) => fits(rule, principal, action, topic))?.decision;
  }
}

export const NO_RULES = new AccessRules([]);

/**
 * @param name of the list, for decisions
 * @param where the rules come from, for the message that refuses one
 * @throws AccessRuleError for a rule that cannot work
 */
export function compileRules(rules: readonly AuthorizationRule[], name: string, where: string): AccessRules {
  return new AccessRules(rules.map((rule, index) => compileRule(rule, `${name}.${index}`, `${where}.${index}`)));
}

function fits(rule: CompiledRule, principal: Principal, action: AccessAction, topic: string): boolean {
  if (rule.action !== 'all' && rule.action !== action) return false;
  if (!rule.appliesTo(principal)) return false;
  const relation = action === 'publish' ? topicMatches : subscriptionRelation(rule);
  return rule.topics.some((template) => {
    const filter = fillIn(template, principal, rule.decision.allowed);
    return filter !== undefined && relation(filter, topic);
  });
}

/** To subscribe is to receive all that the filter matches: allowed if all of that is, denied if any of it is. */
const subscriptionRelation = (rule: CompiledRule): ((filter: string, requested: string) => boolean) =>
  rule.decision.allowed ? covers : overlaps;

/**
 * The filter with %c and %u replaced; undefined where a name is not there, or would make more of a permission than it
 * says: by holding a wildcard or a separator, or by beginning the filter with $. Such a name must not make less of a
 * denial either, which then holds for all from the level of the first placeholder on.
 */
function fillIn(template: string, { clientId, username }: Principal, allows: boolean): string | undefined {
  let isThere = true;
  let isSafe = true;
  const filter = template.replaceAll(/%[cu]/g, (placeholder) => {
    const name = placeholder === '%c' ? clientId : (username ?? '');
    if (name === '') isThere = false;
    if (/[+#/\0]/.test(name)) isSafe = false;
    return name;
  });
  if (!isThere) return undefined;
  if (filter.startsWith('$') && !template.startsWith('$')) isSafe = false;
  if (isSafe) return filter;
  return allows ? undefined : `${template.slice(0, template.lastIndexOf('/', template.search(/%[cu]/)) + 1)}#`;
}

function compileRule(rule: AuthorizationRule, name: string, key: string): CompiledRule {
  for (const topic of rule.topics) {
    const reason = refusalOfFilter(topic);
    if (reason !== undefined) throw new AccessRuleError('invalid_filter', `${key}.topics: "${topic}" ${reason}`);
  }
  const isFrom = rule.address === undefined ? () => true : addressMatcher(rule.address, key);
  return {
    decision: { allowed: rule.permission === 'allow', rule: name },
    action: rule.action,
    topics: rule.topics,
    appliesTo: ({ clientId, username, address }) =>
      (rule.user === undefined || rule.user === username) &&
      (rule.client === undefined || rule.client === clientId) &&
      isFrom(address),
  };
}

/** Why a filter with placeholders cannot stand in a rule, as the end of a sentence; undefined if it can. */
export function refusalOfFilter(template: string): string | undefined {
  const filter = template.replaceAll(/%[cu]/g, 'name');
  if (!isValidTopicFilter(filter)) return 'is no topic filter';
  if (parseSharedFilter(filter).type === 'plain') return undefined;
  return 'would never fit: shared subscriptions are judged by the filter behind $share/{group}/; name that';
}

function addressMatcher(block: string, key: string): (address: string) => boolean {
  const matches = addressBlock(block);
  if (matches !== undefined) return matches;
  throw new AccessRuleError(
    'invalid_address',
    `${key}.address: "${block}" is no IP address or CIDR block, such as 10.0.0.0/8`,
  );
}
