import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The version in package.json; the manifest lies two folders up from here, in the source tree and in the package. */
export const programVersion: string = z.object({ version: z.string() }).parse(manifest).version;
