import { ATTRIBUTES } from '../../catalogue.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import { slice } from './record-source.ts';

const DROPPED = slice('dropped');
const MESSAGE = slice('the message was dropped before it reached the socket');

/** That a push failed, or some of those that the span stands for. */
export function showDropped(visitor: SpanVisitor): void {
  visitor.text(ATTRIBUTES.errorType, DROPPED);
  visitor.text(ATTRIBUTES.errorMessage, MESSAGE);
  visitor.fail(MESSAGE);
}
