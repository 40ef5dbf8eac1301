import type { Clock } from './base/clock.ts';
import { AccessControl } from './broker/auth/access-control.ts';
import { readAclFiles } from './broker/auth/acl-file.ts';
import {
  type AuthenticationBackend,
  type Authenticator,
  createAuthenticator,
  elsewhere,
} from './broker/auth/authenticator.ts';
import { compileAccessRules, createAuthorizer } from './broker/auth/authorizer.ts';
import { certificateBackend } from './broker/auth/certificate-backend.ts';
import type { EnhancedAuthenticator } from './broker/auth/enhanced-authenticator.ts';
import { readJwtKeys } from './broker/auth/jwt-keys.ts';
import { PASSWORD_FILE } from './broker/auth/password-file.ts';
import { publishAccessRules, rulesOf, watchAccessRules } from './broker/auth/placed-access-rules.ts';
import { readUserFile } from './broker/auth/user-file.ts';
import { allowsAnonymous, authenticationOf } from './config/access-consistency.ts';
import type { AuthorizationRule, Config } from './config/schema.ts';
import { openJwt } from './open-jwt.ts';
import { openPasswords } from './open-passwords.ts';
import { checkScram, openScram } from './open-scram.ts';
import type { Placement } from './placement/placement.ts';
import type { Publication } from './placement/publish-records.ts';
import { LOG_EVENTS } from './telemetry/catalogue.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** Who may connect, and what they may do there. */
export interface Access {
  /** By listener name. */
  readonly authenticators: ReadonlyMap<string, Authenticator>;
  readonly control: AccessControl;
  /** By listener name: what AUTH packets are for. */
  readonly enhanced: ReadonlyMap<string, EnhancedAuthenticator>;
  /** Reads all files and this configuration's rules again; when one of them is wrong it rejects, and all stay as they were. */
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

/** Rejects when the access rules, or a file with users, keys or rules, cannot be used; nothing is opened for it. */
export async function checkAccess(config: Config): Promise<void> {
  const { authorization, authentication } = config;
  compileAccessRules(authorization.rules);
  if (authentication.passwordFile !== undefined) await readUserFile(authentication.passwordFile, PASSWORD_FILE);
  await readJwtKeys(authentication.jwt);
  await readAclFiles(config);
  await checkScram(config);
}

/**
 * This process has the files, so it publishes what they say into placement. All questions are answered from placement,
 * so that a change there counts at once, whoever made it. Whether users are asked for at all is the configuration's word.
 * Keys of tokens and ACL files stay with this process: they belong to its listeners.
 */
export async function openAccess(
  config: Config,
  placement: Placement,
  { recorder, log }: Telemetry,
  clock: Clock,
): Promise<Access> {
  await using opened = new AsyncDisposableStack();
  const onFailure = (error: Error): void => log.write(LOG_EVENTS.accessRulesFailed, { error });
  const tell = (kind: 'users' | 'rules', count: number, publication: Publication): void => {
    if (count + publication.deleted > 0) log.write(LOG_EVENTS.accessRulesLoaded, { [kind]: count, ...publication });
  };
  const publishRules = async (configured: readonly AuthorizationRule[]): Promise<void> =>
    tell('rules', configured.length, await publishAccessRules(placement, configured));
  // Before anyone reads it, so that what is ours is right whatever happened to it.
  await publishRules(config.authorization.rules);
  const tellUsers = (count: number, publication: Publication): void => tell('users', count, publication);
  const passwords = opened.adopt(await openPasswords(config, placement, clock, tellUsers, onFailure), (held) =>
    held.close(),
  );
  const scram = opened.adopt(await openScram(config, placement, tellUsers, onFailure), (held) => held.close());
  const rules = opened.adopt(await watchAccessRules(placement, onFailure), (watched) => watched.close());
  const jwt = opened.adopt(await openJwt(config.authentication.jwt, clock, log), (held) => held.close());
  let aclFiles = await readAclFiles(config);
  const authorizer = () => createAuthorizer(rulesOf(rules), aclFiles);
  const control = new AccessControl(authorizer(), recorder, clock);
  rules.onChange(() => control.replace(authorizer()));
  const backends = [certificateBackend, elsewhere('scram'), jwt.backend, passwords.backend];
  const kept = opened.move();
  return {
    authenticators: authenticatorsOf(config, backends, clock),
    control,
    enhanced: scram.enhanced,
    async reload({ authorization: { rules: changed } }) {
      // All of it first, so that a mistake in one file leaves everything as it was.
      await checkAccess({ ...config, authorization: { ...config.authorization, rules: changed } });
      await jwt.reload();
      await passwords.reload();
      await scram.reload();
      await publishRules(changed);
      aclFiles = await readAclFiles(config);
      control.replace(authorizer());
    },
    close: () => kept.disposeAsync(),
  };
}

/** By listener name. */
function authenticatorsOf(
  config: Config,
  backends: readonly (AuthenticationBackend | undefined)[],
  clock: Clock,
): ReadonlyMap<string, Authenticator> {
  return new Map(
    config.listeners.map((listener) => {
      const chain = authenticationOf(config, listener);
      const asked = chain.flatMap((method) => backends.find((backend) => backend?.method === method) ?? []);
      return [listener.name, createAuthenticator(asked, allowsAnonymous(config, listener), clock)];
    }),
  );
}
