import type { AuthorizationRule } from '../../config/schema.ts';
import { parseSharedFilter, topicMatches } from '../../mqtt/topic.ts';
import { type AccessDecision, type AccessRules, type Authorizer, compileRules, NO_RULES } from './access-rules.ts';

const RESERVED = '$SYS/#';
const TOPIC_IS_RESERVED: AccessDecision = { allowed: false, rule: 'reserved' };
const NO_CLAIM_FITS: AccessDecision = { allowed: false, rule: 'jwt.default' };
const NOTHING_IS_CONFIGURED: AccessDecision = { allowed: true, rule: 'default' };
const NO_RULE_FITS: AccessDecision = { allowed: false, rule: 'default' };

/** ACL files by listener name; a listener that is not in it has none. */
export type AclFiles = ReadonlyMap<string, AccessRules>;

/**
 * Who decides, in this order:
 * 1. Nobody publishes to `$SYS/#`.
 * 2. For a client whose token carries rules, those and nobody else; what none of them fits is not allowed.
 * 3. The rules of configuration and placement, if one fits.
 * 4. The ACL file of the client's listener, if one of its lines fits.
 * What nobody decides is allowed where there are neither rules nor an ACL file, and else not.
 */
export function createAuthorizer(rules: AccessRules, aclFiles: AclFiles): Authorizer {
  return {
    authorize(principal, action, topic) {
      if (action === 'publish' && topicMatches(RESERVED, topic)) return TOPIC_IS_RESERVED;
      const filter = action === 'subscribe' ? subscribedFilter(topic) : topic;
      if (principal.rules !== undefined) return principal.rules.find(principal, action, filter) ?? NO_CLAIM_FITS;
      const aclFile = principal.listener === undefined ? undefined : aclFiles.get(principal.listener);
      const decision = rules.find(principal, action, filter) ?? aclFile?.find(principal, action, filter);
      return decision ?? (rules.isEmpty && aclFile === undefined ? NOTHING_IS_CONFIGURED : NO_RULE_FITS);
    },
  };
}

/** The rules of a configuration alone. @throws AccessRuleError for a rule that cannot work */
export function compileAccessRules(rules: readonly AuthorizationRule[]): Authorizer {
  const compiled = rules.length === 0 ? NO_RULES : compileRules(rules, 'rules', 'authorization.rules');
  return createAuthorizer(compiled, new Map());
}

/** Sharing changes who of a group gets a message, not which messages. */
function subscribedFilter(filter: string): string {
  const parsed = parseSharedFilter(filter);
  return parsed.type === 'shared' ? parsed.filter : filter;
}
