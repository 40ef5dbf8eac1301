import type { Clock } from './base/clock.ts';
import { AccessControl } from './broker/auth/access-control.ts';
import { compileAccessRules } from './broker/auth/access-rules.ts';
import { type Authenticator, createAuthenticator } from './broker/auth/authenticator.ts';
import type { PasswordEntries } from './broker/auth/password-file.ts';
import { PasswordFileWatch, readPasswordFile } from './broker/auth/password-file-watch.ts';
import { PasswordVerifier } from './broker/auth/password-verifier.ts';
import { authorizerOf, publishAccessRules, watchAccessRules } from './broker/auth/placed-access-rules.ts';
import { publishUsers, watchUsers } from './broker/auth/placed-users.ts';
import { allowsAnonymous } from './config/consistency.ts';
import type { AuthorizationRule, Config } from './config/schema.ts';
import type { Placement } from './placement/placement.ts';
import type { Publication } from './placement/publish-records.ts';
import { LOG_EVENTS } from './telemetry/catalogue.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** Who may connect, and what they may do there. */
export interface Access {
  /** By listener name. */
  readonly authenticators: ReadonlyMap<string, Authenticator>;
  readonly control: AccessControl;
  /** Publishes the password file and this configuration's rules; when either is wrong it rejects, and the old ones stay. */
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

/** Rejects when the access rules or the password file cannot be used; nothing is opened for it. */
export async function checkAccess({ authorization, authentication }: Config): Promise<void> {
  compileAccessRules(authorization.rules);
  if (authentication.passwordFile !== undefined) await readPasswordFile(authentication.passwordFile);
}

/**
 * This process has the files, so it publishes what they say into placement. All questions are answered from placement,
 * so that a change there counts at once, whoever made it. Whether users are asked for at all is the configuration's word.
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
  const publish = async (entries: PasswordEntries): Promise<void> =>
    tell('users', entries.size, await publishUsers(placement, entries));
  // Before anyone reads it, so that what is ours is right whatever happened to it.
  await publishRules(config.authorization.rules);
  const file = config.authentication.passwordFile;
  if (file === undefined) await publish(new Map());
  const passwords = file === undefined ? undefined : await PasswordFileWatch.open({ file, publish, onFailure });
  opened.defer(async () => passwords?.close());

  const users = opened.adopt(await watchUsers(placement, onFailure), (watched) => watched.close());
  const rules = opened.adopt(await watchAccessRules(placement, onFailure), (watched) => watched.close());
  const control = new AccessControl(authorizerOf(rules), recorder, clock);
  rules.onChange(() => control.replace(authorizerOf(rules)));
  const verifier = passwords && new PasswordVerifier(users, clock);
  const kept = opened.move();
  return {
    authenticators: new Map(
      config.listeners.map((listener) => [
        listener.name,
        createAuthenticator(verifier, allowsAnonymous(config, listener)),
      ]),
    ),
    control,
    async reload({ authorization }) {
      compileAccessRules(authorization.rules);
      await passwords?.reload();
      await publishRules(authorization.rules);
    },
    close: () => kept.disposeAsync(),
  };
}
