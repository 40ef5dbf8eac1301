/** Numbers are bytes, strings their UTF-8 without a length. */
export function bytes(...parts: (number | string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : Buffer.from(part))));
}

/** With the two bytes of its length before it, as strings and binary data travel. */
export function field(data: string | Uint8Array): Buffer {
  const encoded = Buffer.from(data);
  return bytes(encoded.length >> 8, encoded.length & 0xff, encoded);
}

/** A packet of less than 128 bytes after its fixed header. */
export function frame(header: number, ...body: (number | string | Uint8Array)[]): Buffer {
  const encoded = bytes(...body);
  return bytes(header, encoded.length, encoded);
}

export interface ConnectHead {
  readonly header?: number;
  readonly name?: string;
  readonly level?: number;
  readonly flags?: number;
}

/** A CONNECT of MQTT 3.1.1 with the flags and the fields after them as given, whether they fit or not. */
export function connectFrame(head: ConnectHead, ...fields: (string | Uint8Array)[]): Buffer {
  const { header = 0x10, name = 'MQTT', level = 4, flags = 0x02 } = head;
  return frame(header, field(name), level, flags, 0, 0, ...fields.map(field));
}

interface ConnectHead5 extends Omit<ConnectHead, 'name'> {
  readonly properties?: Uint8Array;
}

/** A CONNECT of MQTT 5 with the flags as given, and behind its properties the parts of its payload as they are. */
export function connectFrame5(head: ConnectHead5, ...payload: (number | Uint8Array)[]): Buffer {
  const { header = 0x10, level = 5, flags = 0x02, properties = new Uint8Array(0) } = head;
  return frame(header, field('MQTT'), level, flags, 0, 0, properties.length, properties, ...payload);
}
