import { assert } from '../../base/errors.ts';
import { type DecodeResult, decodePacket } from '../codec/decode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from '../frame.ts';
import type { ProtocolVersion } from '../packets.ts';

/** Decodes bytes that hold exactly one frame. */
export function decodeFrame(bytes: Uint8Array, version: ProtocolVersion): DecodeResult {
  const frame = scanWhole(bytes);
  return decodePacket(bytes, frame.headerByte, frame.bodyStart, frame.end, version);
}

/** The one frame that these bytes are. */
export function scanWhole(bytes: Uint8Array): FrameScan {
  const frame = new FrameScan();
  const status = scanFrame(bytes, 0, bytes.length, bytes.length, frame);
  assert(status === FrameStatus.complete && frame.end === bytes.length, 'the bytes are one whole frame');
  return frame;
}
