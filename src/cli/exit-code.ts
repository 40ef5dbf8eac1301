import type { DirectoryLockErrorCode } from '../base/directory-lock.ts';
import { CodedError } from '../base/errors.ts';
import type { AccessRuleErrorCode } from '../broker/auth/access-rules.ts';
import type { AclFileErrorCode } from '../broker/auth/acl-file.ts';
import type { JwtKeyErrorCode } from '../broker/auth/jwt-keys.ts';
import type { UserFileErrorCode } from '../broker/auth/user-file.ts';
import type { ListenErrorCode } from '../broker/listener.ts';
import type { ConfigErrorCode } from '../config/config-error.ts';
import type { JournalErrorCode } from '../journal/journal.ts';
import type { PlacementErrorCode } from '../placement/placement.ts';
import type { OtlpSettingsErrorCode } from '../telemetry/export/otlp-settings.ts';
import type { OtlpTargetErrorCode } from '../telemetry/export/otlp-target.ts';
import type { OtlpVariableErrorCode } from '../telemetry/export/otlp-variables.ts';

/** The names and numbers of BSD's sysexits.h; 1 is for a command that did its work and has nothing good to say. */
export const ExitCode = {
  success: 0,
  failure: 1,
  usage: 64,
  dataError: 65,
  unavailable: 69,
  software: 70,
  ioError: 74,
  temporaryFailure: 75,
  noPermission: 77,
  configuration: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

type ExpectedErrorCode =
  | AccessRuleErrorCode
  | AclFileErrorCode
  | ConfigErrorCode
  | DirectoryLockErrorCode
  | JournalErrorCode
  | JwtKeyErrorCode
  | ListenErrorCode
  | OtlpSettingsErrorCode
  | OtlpTargetErrorCode
  | OtlpVariableErrorCode
  | PlacementErrorCode
  | UserFileErrorCode;

const BY_ERROR_CODE: Readonly<Record<ExpectedErrorCode, ExitCode>> = {
  file_unreadable: ExitCode.configuration,
  file_malformed: ExitCode.configuration,
  invalid: ExitCode.configuration,
  invalid_filter: ExitCode.configuration,
  invalid_address: ExitCode.configuration,
  bad_endpoint: ExitCode.configuration,
  bad_value: ExitCode.configuration,
  bad_certificate: ExitCode.configuration,
  unreadable_file: ExitCode.configuration,
  key_without_certificate: ExitCode.configuration,
  unsupported_temporality: ExitCode.configuration,
  unreadable: ExitCode.configuration,
  malformed: ExitCode.configuration,
  unusable_name: ExitCode.usage,
  address_in_use: ExitCode.unavailable,
  address_not_available: ExitCode.unavailable,
  not_permitted: ExitCode.noPermission,
  listen_failed: ExitCode.unavailable,
  locked: ExitCode.temporaryFailure,
  io_failed: ExitCode.ioError,
  no_space: ExitCode.ioError,
  corrupt: ExitCode.dataError,
  unknown_shard: ExitCode.software,
  shard_mismatch: ExitCode.software,
  too_large: ExitCode.software,
  limit_reached: ExitCode.temporaryFailure,
  overloaded: ExitCode.temporaryFailure,
  closed: ExitCode.software,
};

const BY_SYSTEM_CODE: Readonly<Record<string, { exitCode: ExitCode; meaning: string }>> = {
  EADDRINUSE: { exitCode: ExitCode.unavailable, meaning: 'another program listens on this address already' },
  EADDRNOTAVAIL: { exitCode: ExitCode.unavailable, meaning: 'this machine does not have this address' },
  ENOTFOUND: { exitCode: ExitCode.unavailable, meaning: 'this host name is not known' },
  EACCES: { exitCode: ExitCode.noPermission, meaning: 'this user may not do that' },
  EPERM: { exitCode: ExitCode.noPermission, meaning: 'this user may not do that' },
  EROFS: { exitCode: ExitCode.ioError, meaning: 'the file system is read-only' },
  ENOSPC: { exitCode: ExitCode.ioError, meaning: 'the disk is full' },
  EMFILE: { exitCode: ExitCode.unavailable, meaning: 'too many open files; raise the limit (ulimit -n)' },
};

export interface Explanation {
  readonly exitCode: number;
  readonly sentence: string;
}

/** What to tell the user of an error that ended a command. Only a bug is told with its stack. */
export function explain(error: unknown): Explanation {
  if (error instanceof CodedError) return { exitCode: exitCodeOf(error.code), sentence: error.message };
  if (!(error instanceof Error)) return { exitCode: ExitCode.software, sentence: String(error) };
  const system = 'code' in error && typeof error.code === 'string' ? BY_SYSTEM_CODE[error.code] : undefined;
  if (system !== undefined) return { exitCode: system.exitCode, sentence: `${system.meaning} (${error.message})` };
  return { exitCode: ExitCode.software, sentence: `this is a bug in RobustMQ: ${error.stack ?? error.message}` };
}

const exitCodeOf = (code: string): ExitCode =>
  Object.hasOwn(BY_ERROR_CODE, code) ? BY_ERROR_CODE[code as ExpectedErrorCode] : ExitCode.software;
