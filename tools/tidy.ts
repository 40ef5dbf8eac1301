/** House rules that neither the compiler nor the linter knows: one file in tools/tidy for each kind. */
import { runRules } from './source/run-rules.ts';
import { checkDeadExports } from './tidy/dead-exports.ts';
import { checkFiles } from './tidy/files.ts';
import { checkFloatingPromises } from './tidy/floating-promises.ts';
import { checkFunctionLength } from './tidy/function-length.ts';
import { checkLines } from './tidy/lines.ts';
import { checkManifest } from './tidy/manifest.ts';
import { checkTested } from './tidy/tested.ts';

if (import.meta.main) {
  runRules('tidy', [
    checkLines,
    checkFiles,
    checkFunctionLength,
    checkFloatingPromises,
    checkDeadExports,
    checkTested,
    checkManifest,
  ]);
}
