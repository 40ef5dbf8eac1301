import { CodedError } from '../../base/errors.ts';
import type { AuthorizationRule } from '../../config/schema.ts';
import { type AccessRule, aclRules } from '../../placement/acl.ts';
import type { Stored } from '../../placement/collection.ts';
import { compareKeys } from '../../placement/key-order.ts';
import type { Placement, PlacementError } from '../../placement/placement.ts';
import { type Publication, publishRecords } from '../../placement/publish-records.ts';
import { wrongValue } from '../../placement/value-codec.ts';
import { WatchedCollection } from '../../placement/watched-collection.ts';
import { type AccessRules, compileRules, NO_RULES } from './access-rules.ts';

/** The name of the list that the configuration's rules are. */
const CONFIGURED = 'configuration';

export type PlacedAccessRules = WatchedCollection<readonly AccessRule[], AccessRules>;

/** The lists of access rules as placement has them; rejects when one of them cannot work. */
export function watchAccessRules(
  placement: Placement,
  onRefused: (error: PlacementError) => void,
): Promise<PlacedAccessRules> {
  return WatchedCollection.open(placement, aclRules, workable, onRefused);
}

/** One list after the other, in the order of their names: the first rule that fits decides, whichever list it is in. */
export function rulesOf({ records }: PlacedAccessRules): AccessRules {
  const lists = [...records].sort(([a], [b]) => compareKeys(a, b));
  return lists.reduce((before, [, rules]) => before.followedBy(rules), NO_RULES);
}

/** Makes the configuration's rules a list of placement, beside those of others; without rules there is no such list. */
export function publishAccessRules(placement: Placement, rules: readonly AuthorizationRule[]): Promise<Publication> {
  const lists = new Map(rules.length === 0 ? [] : [[CONFIGURED, rules]]);
  return publishRecords(placement, aclRules, lists, ({ name }) => name === CONFIGURED);
}

function workable({ name, value }: Stored<readonly AccessRule[]>): AccessRules {
  try {
    return compileRules(value, name === CONFIGURED ? 'rules' : name, 'rules');
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw wrongValue(aclRules.key(name), error.message, error);
  }
}
