import protobuf from 'protobufjs';

/** As much of opentelemetry-proto v1's metrics and logs as the tests look at. */
const { root } = protobuf.parse(`syntax = "proto3";
message MetricsRequest { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric { string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; }
message Gauge { repeated Point data_points = 1; }
message Sum { repeated Point data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramPoint data_points = 1; int32 aggregation_temporality = 2; }
message Point { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; double as_double = 4; repeated KeyValue attributes = 7; }
message HistogramPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5;
  repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; repeated KeyValue attributes = 9; }
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message ScopeLogs { repeated LogRecord log_records = 2; }
message LogRecord { fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10;
  fixed64 observed_time_unix_nano = 11; string event_name = 12; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }`);

interface RawKeyValue {
  readonly key: string;
  readonly value: object;
}
type Attributes = Readonly<Record<string, unknown>>;

/** Fields as the .proto names them, without those that are not there. */
export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly [kind: string]: unknown;
}
export interface ReceivedPoint {
  readonly asDouble: number;
  readonly startTimeUnixNano: number;
  readonly timeUnixNano: number;
  readonly attributes: readonly RawKeyValue[];
}
export interface ReceivedLogRecord {
  readonly [field: string]: unknown;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly attributes: Attributes;
}

export function decodeMetricsRequest(bytes: Uint8Array): { resource: Attributes; metrics: readonly ReceivedMetric[] } {
  const [{ resource, scopeMetrics }] = fieldsOf('MetricsRequest', bytes).resourceMetrics;
  return { resource: attributesOf(resource?.attributes), metrics: scopeMetrics[0].metrics };
}

/** Sums by name and label, as /metrics writes them. */
export function sumsOf(metrics: readonly ReceivedMetric[]): ReadonlyMap<string, number> {
  const samples = metrics.flatMap(({ name, sum }) =>
    ((sum as { dataPoints: ReceivedPoint[] } | undefined)?.dataPoints ?? []).map(
      ({ asDouble, attributes }): [string, number] => {
        const [label] = Object.entries(attributesOf(attributes));
        return [label === undefined ? name : `${name}{${label[0]}="${label[1]}"}`, asDouble];
      },
    ),
  );
  return new Map(samples);
}

export function decodeLogsRequest(bytes: Uint8Array): { resource: Attributes; records: ReceivedLogRecord[] } {
  const [{ resource, scopeLogs }] = fieldsOf('LogsRequest', bytes).resourceLogs;
  const records = scopeLogs[0].logRecords.map((record: { attributes?: readonly RawKeyValue[] }) => ({
    ...record,
    attributes: attributesOf(record.attributes),
  }));
  return { resource: attributesOf(resource?.attributes), records };
}

function fieldsOf(name: string, bytes: Uint8Array) {
  const type = root.lookupType(name);
  return type.toObject(type.decode(Buffer.from(bytes)), { longs: Number, bytes: Array, arrays: true });
}

function attributesOf(attributes: readonly RawKeyValue[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
