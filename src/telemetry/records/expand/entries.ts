import { ATTRIBUTES, type AttributeDefinition } from '../../catalogue.ts';
import type { RecordBlock } from '../../ring/ring-reader.ts';
import { ENTRY_TYPE } from '../extra-entries.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import { EMPTY_TEXT, LOST, type RecordSource } from './record-source.ts';

const attributes: AttributeDefinition[] = [];
for (const attribute of Object.values(ATTRIBUTES)) attributes[attribute.id] = attribute;
const link = new Uint32Array(6);
const EXTRA_HEADER_WORDS = 1;

/** Shows an EXTRA record and those it goes on from; false where it is overwritten. */
export function showExtras(source: RecordSource, reference: number, visitor: SpanVisitor): boolean {
  for (let next = reference; next !== 0; ) {
    const extra = source.extra(next);
    if (extra === undefined) return false;
    showEntries(source, extra, EXTRA_HEADER_WORDS, extra.u32[1]!, visitor);
    const isMore = extra.u32[EXTRA_HEADER_WORDS * 2]! >>> 16 === ENTRY_TYPE.more;
    next = isMore ? extra.u32[EXTRA_HEADER_WORDS * 2 + 1]! : 0;
  }
  return true;
}

/** Shows an EXTRA record of a failure without what it goes on from: where that was told already, or belongs to another span. */
export function showFailure(source: RecordSource, reference: number, visitor: SpanVisitor): void {
  const extra = source.extra(reference);
  if (extra === undefined) visitor.fail(LOST);
  else showEntries(source, extra, EXTRA_HEADER_WORDS, extra.u32[1]!, visitor);
}

/** Shows `count` entries (extra-entries.ts) that begin at the word `from`. */
export function showEntries(
  source: RecordSource,
  block: RecordBlock,
  from: number,
  count: number,
  visitor: SpanVisitor,
): void {
  const { u32, f64 } = block;
  let at = from;
  for (let entry = 0; entry < count; entry += 1) {
    const head = u32[at * 2]!;
    const value = u32[at * 2 + 1]!;
    const attribute = attributes[head & 0xffff]!;
    switch (head >>> 16) {
      case ENTRY_TYPE.text:
        visitor.text(attribute, source.text(value));
        break;
      case ENTRY_TYPE.number:
        visitor.number(attribute, f64[at + 1]!);
        break;
      case ENTRY_TYPE.texts:
        for (let item = 0; item < value; item += 1) visitor.textItem(attribute, source.text(u32[at * 2 + 2 + item]!));
        break;
      case ENTRY_TYPE.link:
        for (let word = 0; word < 6; word += 1) link[word] = u32[at * 2 + 2 + word]!;
        visitor.link(link, value === 1);
        break;
      case ENTRY_TYPE.failure:
        visitor.fail(source.text(value));
        break;
      case ENTRY_TYPE.exception:
        showException(source, u32, at, value, visitor);
        break;
      case ENTRY_TYPE.dropped:
        visitor.dropped(value, u32[at * 2 + 2]!);
        break;
      case ENTRY_TYPE.traceState:
        visitor.traceState(source.text(value));
        break;
    }
    at += wordsOf(head >>> 16, value);
  }
}

/** Calls back with the reference of each text among `count` entries. */
export function eachText(
  { u32 }: RecordBlock,
  from: number,
  count: number,
  visit: (attribute: AttributeDefinition, reference: number) => void,
): void {
  let at = from;
  for (let entry = 0; entry < count; entry += 1) {
    const head = u32[at * 2]!;
    const value = u32[at * 2 + 1]!;
    if (head >>> 16 === ENTRY_TYPE.text) visit(attributes[head & 0xffff]!, value);
    at += wordsOf(head >>> 16, value);
  }
}

function showException(source: RecordSource, u32: Uint32Array, at: number, type: number, visitor: SpanVisitor): void {
  const stacktrace = u32[at * 2 + 3]!;
  visitor.exception(
    source.text(type),
    source.text(u32[at * 2 + 2]!),
    stacktrace === 0 ? EMPTY_TEXT : source.text(stacktrace),
  );
}

function wordsOf(type: number, value: number): number {
  switch (type) {
    case ENTRY_TYPE.number:
    case ENTRY_TYPE.exception:
    case ENTRY_TYPE.dropped:
      return 2;
    case ENTRY_TYPE.texts:
      return 1 + Math.ceil(value / 2);
    case ENTRY_TYPE.link:
      return 4;
    default:
      return 1;
  }
}
