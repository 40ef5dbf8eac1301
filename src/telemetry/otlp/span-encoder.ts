import { ATTRIBUTES, type AttributeDefinition, ROLES, SPANS, type SpanDefinition } from '../catalogue.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../records/span-visitor.ts';
import { writeNumber, writeText, writeTextField, writeWideInt } from './attribute-bytes.ts';
import { ExportRequest, type RequestOptions } from './export-request.ts';
import { EVENT, FLAGS, LINK, SPAN, STATUS, STATUS_ERROR } from './field-tags.ts';
import { SpanBytes, textFieldBytes } from './span-bytes.ts';
import { HEAD_BYTES, writeHead, writeSpanId, writeTraceId } from './span-head.ts';
import { TextList } from './text-list.ts';
import { UnixNano } from './unix-nano.ts';
import { PADDED_LENGTH_BYTES, paddedLength } from './varint.ts';

export interface EncoderOptions extends RequestOptions {
  /** Bound of the buffer of each role; a span beyond it is refused. What is larger than a batch should be is enough. */
  readonly maxBytes: number;
}

export interface OtlpBatch {
  /** One ExportTraceServiceRequest; empty where there are no spans. */
  readonly bytes: Uint8Array;
  readonly spans: number;
  /** Spans by which a trace came into the process. */
  readonly traces: number;
  /** Spans that did not fit and are in no batch. */
  readonly refused: number;
}

/** Where a number was written so that another can be written over it: behind its last byte. */
export interface WideNumber {
  readonly type: AttributeDefinition['type'];
  readonly end: number;
}

/** By the span's id: which of ROLES it belongs to. */
export const ROLE_OF_SPAN = Uint8Array.from(Object.values(SPANS), ({ role }) => ROLES.indexOf(role));

/** Tag and length; tag, length and trace id; tag, length and span id; tag and flags. */
const LINK_BYTES = 2 + 18 + 10 + 5;
/** A link leads out of the trace it is in: to a context that came with data. */
const LINK_FLAGS = FLAGS.hasIsRemote | FLAGS.isRemote;
const EXCEPTION = new TextEncoder().encode('exception');
const EXCEPTION_NAME: TextSlice = { bytes: EXCEPTION, start: 0, end: EXCEPTION.length };
/** Tags, lengths and numbers of what is not an attribute. */
const FIELD_ROOM = 32;

/**
 * Encodes the spans it is shown as OTLP protobuf, straight into bytes: one growing buffer for each role, and nothing
 * allocated for a span. What is constant in the catalogue is copied; lengths that come first are filled in afterwards.
 */
export class OtlpSpanEncoder implements SpanVisitor {
  readonly #request: ExportRequest;
  /** What is encoded since the last batch, in the order of ROLES. */
  readonly roles: readonly SpanBytes[];
  readonly #time = new UnixNano();
  readonly #list = new TextList();
  #out: SpanBytes;
  #isEntry = false;
  #endedAt = 0;
  /** Undefined: numbers take as few bytes as they can. */
  #wide: WideNumber[] | undefined;

  constructor(options: EncoderOptions) {
    this.#request = new ExportRequest(options);
    this.roles = ROLES.map(() => new SpanBytes(options.maxBytes));
    this.#out = this.roles[0]!;
  }

  /** Bytes of the spans encoded since the last batch. */
  get bytes(): number {
    // Asked after every unit.
    let bytes = 0;
    for (const { at } of this.roles) bytes += at;
    return bytes;
  }

  get spans(): number {
    return this.roles.reduce((sum, { spans }) => sum + spans, 0);
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    const out = this.roles[ROLE_OF_SPAN[definition.id]!]!;
    this.#out = out;
    this.#isEntry = identity.isEntry;
    this.#endedAt = endedAt;
    this.#list.begin();
    const start = out.begin();
    if (out.hasRoom(HEAD_BYTES))
      out.at = writeHead(out.view, start, definition, identity, startedAt, endedAt, this.#time);
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    writeText(this.#out, attribute, value);
  }

  number(attribute: AttributeDefinition, value: number): void {
    if (this.#wide === undefined) writeNumber(this.#out, attribute, value);
    else this.#writeWide(this.#wide, attribute, value);
  }

  /** From now on numbers are written as wide as their type can be, until `endWide` says where. Ints must be int64. */
  beginWide(): void {
    this.#wide = [];
  }

  endWide(): readonly WideNumber[] {
    const written = this.#wide ?? [];
    this.#wide = undefined;
    return written;
  }

  textItem(attribute: AttributeDefinition, value: TextSlice): void {
    this.#list.add(this.#out, attribute, value);
  }

  link(words: Uint32Array, isSampled: boolean): void {
    const out = this.#out;
    if (!out.hasRoom(LINK_BYTES)) return;
    const { view, at } = out;
    view.setUint16(at, SPAN.link | ((LINK_BYTES - 2) << 8), true);
    view.setUint16(at + 2, LINK.traceId | (16 << 8), true);
    writeTraceId(view, at + 4, words, 0);
    view.setUint16(at + 20, LINK.spanId | (8 << 8), true);
    writeSpanId(view, at + 22, words, 4);
    view.setUint8(at + 30, LINK.flags);
    view.setInt32(at + 31, isSampled ? LINK_FLAGS | FLAGS.sampled : LINK_FLAGS, true);
    out.at = at + LINK_BYTES;
  }

  dropped(attributes: number, links: number): void {
    const out = this.#out;
    if (!out.hasRoom(FIELD_ROOM)) return;
    out.varint(SPAN.droppedAttributes);
    out.varint(attributes);
    out.varint(SPAN.droppedLinks);
    out.varint(links);
  }

  traceState(value: TextSlice): void {
    if (this.#out.hasRoom(FIELD_ROOM + value.end - value.start)) this.#out.textField(SPAN.traceState, value);
  }

  fail(message: TextSlice): void {
    const out = this.#out;
    const length = message.end - message.start;
    if (!out.hasRoom(FIELD_ROOM + length)) return;
    out.varint(SPAN.status);
    out.varint(textFieldBytes(length) + 2);
    out.textField(STATUS.message, message);
    out.varint(STATUS.code);
    out.varint(STATUS_ERROR);
  }

  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void {
    const out = this.#out;
    if (!out.hasRoom(FIELD_ROOM)) return;
    out.varint(SPAN.event);
    const lengthAt = out.at;
    out.at += PADDED_LENGTH_BYTES;
    out.varint(EVENT.time);
    this.#time.write(out.view, out.at, this.#endedAt);
    out.at += 8;
    out.textField(EVENT.name, EXCEPTION_NAME);
    writeTextField(out, EVENT.attribute, ATTRIBUTES.exceptionType.id, type);
    writeTextField(out, EVENT.attribute, ATTRIBUTES.exceptionMessage.id, message);
    if (stacktrace.end > stacktrace.start)
      writeTextField(out, EVENT.attribute, ATTRIBUTES.exceptionStacktrace.id, stacktrace);
    out.view.setInt32(lengthAt, paddedLength(out.at - lengthAt - PADDED_LENGTH_BYTES), true);
  }

  end(): void {
    this.#out.end(this.#isEntry);
  }

  #writeWide(written: WideNumber[], attribute: AttributeDefinition, value: number): void {
    const { type } = attribute;
    if (type === 'int') writeWideInt(this.#out, attribute.id, value);
    else writeNumber(this.#out, attribute, value);
    written.push({ type, end: this.#out.at });
  }

  /**
   * Everything since the last batch as one request; the buffers are empty then. `allocate` may give memory that was used
   * before: the first touch of fresh memory costs more than the copy.
   */
  takeBatch(allocate: (bytes: number) => Uint8Array = Buffer.allocUnsafeSlow): OtlpBatch {
    const { roles } = this;
    const batch = {
      bytes: this.#request.encode(roles, allocate),
      spans: this.spans,
      traces: roles.reduce((sum, { traces }) => sum + traces, 0),
      refused: roles.reduce((sum, { refused }) => sum + refused, 0),
    };
    for (const role of roles) role.clear();
    return batch;
  }
}
