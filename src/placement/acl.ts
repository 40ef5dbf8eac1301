import { z } from 'zod';
import { Collection } from './collection.ts';
import { json } from './value-codec.ts';

const accessRule = z.strictObject({
  permission: z.enum(['allow', 'deny']),
  action: z.enum(['publish', 'subscribe', 'all']),
  /** Topic filters; `%c` stands for the client id, `%u` for the user name. */
  topics: z.array(z.string()).min(1).readonly(),
  user: z.string().optional(),
  client: z.string().optional(),
  /** IP address or CIDR block. */
  address: z.string().optional(),
});

export type AccessRule = z.infer<typeof accessRule>;

/** A list of them; the order is part of it. */
export const accessRules = z.array(accessRule).readonly();

/** The lists of access rules, one for each source, by its name. */
export const aclRules = new Collection<readonly AccessRule[]>('acl/', json(accessRules));
