import type { AttributeDefinition } from '../../telemetry/catalogue.ts';
import type { FinishedSpan } from '../../telemetry/finished-span.ts';
import type { AttributeValue } from '../../telemetry/recorder.ts';

/** What a span says, by the definitions of the catalogue. */
export function attributesOf(span: FinishedSpan | undefined): ReadonlyMap<AttributeDefinition, AttributeValue> {
  return new Map(span?.attributes.map(({ definition, value }) => [definition, value]));
}
