import { LEAST_ITERATIONS, parseScramCredential, type ScramCredential } from './scram-credential.ts';
import type { UserFileForm } from './user-file.ts';

/** The lines of the file of SCRAM users, whose names stand in it as SASLprep makes them. */
export const SCRAM_FILE: UserFileForm<ScramCredential> = {
  noun: 'the SCRAM file (authentication.scram_file)',
  example: 'user:$scram-sha-256$i=15000$salt$storedKey$serverKey',
  complaint: `no credential of SCRAM-SHA-256 with at least ${LEAST_ITERATIONS} iterations`,
  parse: parseScramCredential,
};
