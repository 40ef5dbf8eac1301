import { counter, gauge, histogram, label } from './metric-definition.ts';

const GC_BOUNDS_S = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const DELAY_BOUNDS_S = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const GC_KIND = label('kind', ['minor', 'major', 'incremental', 'weakcb', 'other']);

/** What each process says of itself, under the names that Prometheus' clients give these figures. */
export const PROCESS_METRICS = {
  processCpuSecondsTotal: counter('process_cpu_seconds_total', 's', 'CPU time of the process, all its threads.'),
  processCpuUserSecondsTotal: counter('process_cpu_user_seconds_total', 's', 'CPU time in user mode.'),
  processCpuSystemSecondsTotal: counter('process_cpu_system_seconds_total', 's', 'CPU time in the kernel.'),
  processStartTimeSeconds: gauge('process_start_time_seconds', 's', 'When the process started, in Unix time.'),
  processResidentMemoryBytes: gauge('process_resident_memory_bytes', 'By', 'Memory that is in RAM.'),
  processOpenFds: gauge('process_open_fds', '{descriptor}', 'Open file descriptors (Linux).'),
  processMaxFds: gauge('process_max_fds', '{descriptor}', 'File descriptors that may be open at once (Linux).'),
  nodejsVersionInfo: gauge('nodejs_version_info', '1', 'Version of Node.js, in the label.', {
    name: 'version',
    values: null,
  }),
  nodejsHeapSizeTotalBytes: gauge('nodejs_heap_size_total_bytes', 'By', 'Size of the heap of the main thread.'),
  nodejsHeapSizeUsedBytes: gauge('nodejs_heap_size_used_bytes', 'By', 'Heap of the main thread that is in use.'),
  nodejsExternalMemoryBytes: gauge('nodejs_external_memory_bytes', 'By', 'Memory of buffers and other native objects.'),
  nodejsEventLoopTimeSecondsTotal: counter(
    'nodejs_eventloop_time_seconds_total',
    's',
    'Time the event loop of the main thread worked, or waited for work.',
    label('state', ['active', 'idle']),
  ),
  nodejsEventLoopDelaySeconds: histogram(
    'nodejs_eventloop_delay_seconds',
    's',
    DELAY_BOUNDS_S,
    'How late a timer of the main thread was, asked fifty times a second: for how long the event loop was held up.',
  ),
  nodejsGcDurationSeconds: histogram(
    'nodejs_gc_duration_seconds',
    's',
    GC_BOUNDS_S,
    'Garbage collections of the main thread.',
    GC_KIND,
  ),
};
