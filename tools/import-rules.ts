/** Enforces the layout of the source tree: who may import whom, and what must stay pure. */
import { findCycles } from './import-rules/cycles.ts';
import { checkLayers } from './import-rules/layers.ts';
import { checkPurity } from './import-rules/purity.ts';
import { runRules } from './source/run-rules.ts';

if (import.meta.main) runRules('import rules', [checkLayers, checkPurity, findCycles]);
