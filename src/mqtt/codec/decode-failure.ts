import { CodedError } from '../../base/errors.ts';
import { ReasonCode, type ReasonName } from '../reason-code.ts';

/** Thrown by the codecs, caught in `decodePacket`: the bytes are not a packet that may be sent. */
export class DecodeFailure extends CodedError<ReasonName> {
  get reasonCode(): ReasonCode {
    return ReasonCode[this.code];
  }
}

export function malformed(message: string): DecodeFailure {
  return new DecodeFailure('malformedPacket', message);
}

export function protocolError(message: string): DecodeFailure {
  return new DecodeFailure('protocolError', message);
}
