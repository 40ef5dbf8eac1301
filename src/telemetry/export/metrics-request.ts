import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { MetricsExporterMetricsHelper, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import { METRICS, type MetricDefinition } from '../catalogue.ts';
import { type MetricReadings, seriesOf } from '../metrics.ts';
import { toHrTime } from './hr-time.ts';

/** The SDK's own names for what its serializers take; the SDK itself is no dependency of this program. */
type ResourceMetrics = Parameters<typeof ProtobufMetricsSerializer.serializeRequest>[0];
type MetricData = ResourceMetrics['scopeMetrics'][number]['metrics'][number];
type Point<Value> = { startTime: HrTime; endTime: HrTime; attributes: Attributes; value: Value };
type Histogram = Extract<MetricData, { dataPointType: 0 }>['dataPoints'][number]['value'];

const CUMULATIVE = 1;
const DATA_POINT = { histogram: 0, gauge: 2, sum: 3 } as const;

export interface MetricsRequestOptions {
  readonly resource: Resource;
  readonly serviceVersion: string;
  /** Unix milliseconds from which on everything has been counted. */
  readonly startedAt: number;
}

/** All metrics of the catalogue at a moment, as an ExportMetricsServiceRequest, and its number of data points. */
export function metricsRequest(
  metrics: MetricReadings,
  now: number,
  { resource, serviceVersion, startedAt }: MetricsRequestOptions,
): { readonly bytes: Uint8Array; readonly points: number } {
  const span = { startTime: toHrTime(startedAt), endTime: toHrTime(now) };
  const data = Object.values<MetricDefinition>(METRICS)
    .map((definition) => metricData(metrics, definition, span))
    .filter(({ dataPoints }) => dataPoints.length > 0);
  const scopeMetrics = [{ scope: { name: 'robustmq', version: serviceVersion }, metrics: data }];
  const request: ResourceMetrics = { resource, scopeMetrics };
  return {
    bytes: ProtobufMetricsSerializer.serializeRequest(request) ?? new Uint8Array(),
    points: MetricsExporterMetricsHelper.countItems(request),
  };
}

function metricData(
  metrics: MetricReadings,
  definition: MetricDefinition,
  span: { readonly startTime: HrTime; readonly endTime: HrTime },
): MetricData {
  const { name, description, unit } = definition;
  const shared = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: CUMULATIVE,
  } as const;
  const point = <Value>(labelValue: string | null, value: Value): Point<Value> => ({
    ...span,
    attributes: labelValue === null ? {} : { [definition.label!.name]: labelValue },
    value,
  });
  const series = seriesOf(definition);
  switch (definition.kind) {
    case 'counter': {
      const dataPoints = series.map(({ labelValue, cell }) => point(labelValue, metrics.cell(cell)));
      return { ...shared, dataPointType: DATA_POINT.sum, isMonotonic: true, dataPoints };
    }
    case 'gauge': {
      const dataPoints = gaugeValues(metrics, definition).map(([labelValue, value]) => point(labelValue, value));
      return { ...shared, dataPointType: DATA_POINT.gauge, dataPoints };
    }
    case 'histogram': {
      const dataPoints = series.map(({ labelValue, cell }) =>
        point(labelValue, histogramOf(metrics, cell, definition.bounds)),
      );
      return { ...shared, dataPointType: DATA_POINT.histogram, dataPoints };
    }
  }
}

function gaugeValues(metrics: MetricReadings, definition: MetricDefinition): (readonly [string | null, number])[] {
  const reading = metrics.readGauge(definition);
  if (reading === undefined) return [];
  return typeof reading === 'number' ? [[null, reading]] : [...reading];
}

/** See `HistogramId` for what lies in which cell. */
function histogramOf(metrics: MetricReadings, cell: number, bounds: readonly number[]): Histogram {
  const counts = Array.from({ length: bounds.length + 1 }, (_, index) => metrics.cell(cell + index));
  return {
    buckets: { boundaries: [...bounds], counts },
    count: counts.reduce((sum, count) => sum + count, 0),
    sum: metrics.cell(cell + counts.length),
  };
}
