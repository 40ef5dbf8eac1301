import { z } from 'zod';
import { Collection } from './collection.ts';
import { json } from './value-codec.ts';

/** The lists of access rules by name. Their order is part of them; what a rule says is the business of who checks it. */
export const aclRules = new Collection('acl/', json(z.array(z.json())));
