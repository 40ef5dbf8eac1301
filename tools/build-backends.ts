/** `npm run backends`: an OpenTelemetry Collector and a Jaeger 2, built from their Go modules and kept for all later runs. */
import { provideBackends } from './backends/provide-backends.ts';

if (provideBackends().length > 0) process.exitCode = 1;
