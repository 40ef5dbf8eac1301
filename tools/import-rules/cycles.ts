import type { SourceFile, Violation } from '../source/source-file.ts';

/** Rings of files that import each other; rings that share a file are one knot and told once. */
export function findCycles(files: readonly SourceFile[]): Violation[] {
  const targets = new Map(files.map((file) => [file.path, file.module.imports.map(({ target }) => target)]));
  const violations: Violation[] = [];
  const done = new Set<string>();
  const told = new Set<string>();
  const trail: string[] = [];

  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const ring = [...trail.slice(start), path];
      if (!ring.some((member) => told.has(member))) violations.push(describeRing(ring));
      for (const member of ring) told.add(member);
    }
    if (start !== -1 || done.has(path)) return;
    trail.push(path);
    for (const target of targets.get(path) ?? []) if (target !== undefined) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of targets.keys()) visit(path);
  return violations;
}

function describeRing(ring: readonly string[]): Violation {
  const message = `imports itself in a ring (${ring.join(' → ')}): files in a ring can only be understood and changed together`;
  return { file: ring[0]!, line: 0, message };
}
