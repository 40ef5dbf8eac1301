import type { ReceivedSpan } from '../../../../src/telemetry/testing/otlp-decoder.ts';

/**
 * The spans as indented lines, `name kind service`, children below their parents and siblings by name, so that the picture
 * of a trace does not depend on the clock.
 */
export function treeOf(spans: readonly ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const childrenOf = (parent: string | undefined) =>
    spans
      .filter(({ parentSpanId }) => (ids.has(parentSpanId) ? parentSpanId : undefined) === parent)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  const linesOf = (parent: string | undefined, indent: string): string[] =>
    childrenOf(parent).flatMap((span) => [
      `${indent}${span.name} ${span.kind} ${String(span.resource['service.name'])}`,
      ...linesOf(span.spanId, `${indent}  `),
    ]);
  return linesOf(undefined, '');
}

/** Whether the spans have at least these names, each as often as it stands here. */
export function hasAll(spans: readonly ReceivedSpan[], names: readonly string[]): boolean {
  return names.every(
    (name) => spans.filter((span) => span.name === name).length >= names.filter((wanted) => wanted === name).length,
  );
}

/** The names in a tree's lines. */
export function namesIn(tree: readonly string[]): string[] {
  return tree.map((line) => line.trim().split(' ')[0]!);
}
