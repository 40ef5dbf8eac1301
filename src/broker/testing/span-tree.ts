import type { FinishedSpan } from '../../telemetry/finished-span.ts';

/** The names of the span and of all below it, one a line, indented by their depth; those with one parent in order of name. */
export function treeOf(spans: readonly FinishedSpan[], root: FinishedSpan, depth = 0): string[] {
  const below = spans.filter(
    ({ traceId, parent }) => traceId === root.traceId && parent.type !== 'none' && parent.spanId === root.spanId,
  );
  below.sort((left, right) => (left.definition.name < right.definition.name ? -1 : 1));
  return [`${'  '.repeat(depth)}${root.definition.name}`, ...below.flatMap((span) => treeOf(spans, span, depth + 1))];
}
