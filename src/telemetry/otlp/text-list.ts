import type { AttributeDefinition } from '../catalogue.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import { KEY_ROOM, writeKeyField } from './attribute-bytes.ts';
import { ANY_VALUE, ARRAY_VALUE, SPAN } from './field-tags.ts';
import { type SpanBytes, textFieldBytes } from './span-bytes.ts';
import { PADDED_LENGTH_BYTES, paddedLength } from './varint.ts';

/** An attribute of type string[], item by item: its lengths are right after each, so that nobody has to say which is the last. */
export class TextList {
  #id = -1;
  /** Behind the last item: what is written elsewhere begins a new list. */
  #end = -1;
  #keyValueAt = 0;
  #valueAt = 0;

  /** Another span: no item goes on with a list of the one before. */
  begin(): void {
    this.#end = -1;
  }

  add(out: SpanBytes, { id }: AttributeDefinition, value: TextSlice): void {
    const length = value.end - value.start;
    if (!out.hasRoom(KEY_ROOM + length)) return;
    if (out.at !== this.#end || this.#id !== id) this.#open(out, id);
    out.varint(ARRAY_VALUE.value);
    out.varint(textFieldBytes(length));
    out.textField(ANY_VALUE.string, value);
    this.#end = out.at;
    this.#writeLengths(out);
  }

  #open(out: SpanBytes, id: number): void {
    this.#id = id;
    out.varint(SPAN.attribute);
    this.#keyValueAt = out.at;
    out.at += PADDED_LENGTH_BYTES;
    writeKeyField(out, id);
    this.#valueAt = out.at;
    out.at += PADDED_LENGTH_BYTES;
    out.varint(ANY_VALUE.array);
    out.at += PADDED_LENGTH_BYTES;
  }

  #writeLengths({ view, at }: SpanBytes): void {
    const arrayAt = this.#valueAt + PADDED_LENGTH_BYTES + 1;
    for (const lengthAt of [this.#keyValueAt, this.#valueAt, arrayAt])
      view.setInt32(lengthAt, paddedLength(at - lengthAt - PADDED_LENGTH_BYTES), true);
  }
}
