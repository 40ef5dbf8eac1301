import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { Session } from '../session/session.ts';

/** From the push of a QoS 1 or 2 message to its acknowledgement; the session's window holds it until then. */
export function startConfirm(
  recorder: Recorder,
  push: SpanHandle,
  session: Session,
  qos: number,
  at: number,
): SpanHandle {
  const confirm = recorder.child(SPANS.deliveryConfirm, push, at);
  if (confirm === NO_SPAN) return confirm;
  recorder.attribute(confirm, ATTRIBUTES.mqttClientId, session.clientId);
  recorder.attribute(confirm, ATTRIBUTES.mqttQos, qos);
  return confirm;
}
