import { JournalError } from '../../journal.ts';

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The disk's failure in the journal's terms; a JournalError stays what it is. */
export function toJournalError(cause: unknown, doing: string): JournalError {
  if (cause instanceof JournalError) return cause;
  const errno = (cause as NodeJS.ErrnoException).code;
  const code = errno !== undefined && NO_SPACE.has(errno) ? 'no_space' : 'io_failed';
  return new JournalError(code, `${doing}: ${(cause as Error).message}`, cause);
}

/** @param at byte position of the damage in the file */
export function corrupt(path: string, at: number, what: string): JournalError {
  return new JournalError('corrupt', `${path} is damaged at byte ${at}: ${what}`);
}
