import { mkdir } from 'node:fs/promises';
import { type AdminServer, type AdminSources, type Readiness, startAdminServer } from './admin/admin-server.ts';
import { type Clock, systemClock } from './base/clock.ts';
import { DirectoryLock } from './base/directory-lock.ts';
import type { BrokerParts } from './broker/assembly/broker-parts.ts';
import { Broker } from './broker/broker.ts';
import { readTlsMaterials } from './broker/transport/tls-material.ts';
import { SCHEMES } from './broker/transport/transport.ts';
import type { RunningServer, ServerAddress } from './cli/command-context.ts';
import type { Config } from './config/schema.ts';
import { checkAccess, openAccess } from './open-access.ts';
import { openJournal } from './open-journal.ts';
import { openPlacement } from './open-placement.ts';
import { openTraceWatches, telemetryOptions } from './open-telemetry.ts';
import { registerNode } from './placement/nodes.ts';
import { LOG_EVENTS } from './telemetry/catalogue.ts';
import { startTelemetry, type Telemetry } from './telemetry/telemetry.ts';

const DRAINING: Readiness = { type: 'not_ready', reasons: ['draining'] };

/** What is undone when the server stops, newest first. */
type Release = readonly [part: string, release: () => Promise<void> | void];

/**
 * The composition root: configuration to engines to roles, all in this process. What can be wrong in the configuration is
 * found before a port is opened; what fails to start undoes what did.
 */
export async function startServer(
  config: Config,
  clock: Clock = systemClock,
  open: typeof openPlacement = openPlacement,
): Promise<RunningServer> {
  const releases: Release[] = [];
  try {
    return await start(config, clock, open, releases);
  } catch (error) {
    await releaseAll(releases, () => undefined);
    throw error;
  }
}

async function start(
  config: Config,
  clock: Clock,
  open: typeof openPlacement,
  releases: Release[],
): Promise<RunningServer> {
  const telemetry = startTelemetry(telemetryOptions(config), clock);
  releases.push(['telemetry', () => telemetry.shutdown()]);
  const { recording, metrics, log } = telemetry;
  await checkAccess(config);
  const certificates = await readTlsMaterials(config);
  log.write(LOG_EVENTS.processStarting, { node: config.node.id, roles: config.roles, dataDirectory: config.dataDir });
  await lockDirectory(config, clock, releases);
  // Before the directory is given up, for the spool lies there; above, for what fails before there is a directory.
  releases.push(['exporter', () => telemetry.shutdown()]);
  telemetry.startExporter();
  const placement = await open(config, telemetry, clock);
  releases.push(['placement', () => placement.close()]);
  const access = await openAccess(config, placement, telemetry, clock);
  releases.push(['access', () => access.close()]);
  const watches = await openTraceWatches(placement, telemetry, clock);
  releases.push(['trace watches', () => watches?.close()]);
  const journal = await openJournal(config, telemetry, clock);
  releases.push(['journal', () => journal.close()]);
  await registerNode(placement, config.node.id, {
    roles: [...config.roles],
    address: config.listeners[0]!.address,
    startedAt: clock.now(),
  });
  let readiness: Readiness = { type: 'not_ready', reasons: ['starting'] };
  let broker: Broker | undefined;
  const isDraining = (): boolean => broker?.drain.active !== undefined;
  const admin = await openAdmin(config, telemetry, releases, {
    readiness: () => (isDraining() && readiness.type === 'ready' ? DRAINING : readiness),
    drain: () => broker?.drain,
    watches,
  });
  const parts: BrokerParts = {
    config,
    journal,
    placement,
    authenticators: access.authenticators,
    enhanced: access.enhanced,
    access: access.control,
    recording,
    metrics,
    log,
    clock,
  };
  const started = await Broker.start(parts, certificates);
  broker = started;
  releases.push(['broker', () => started.stop()]);
  readiness = { type: 'ready' };
  log.write(LOG_EVENTS.processReady);
  return {
    addresses: addressesOf(started, config, admin),
    async reload(changed) {
      // All that can be wrong is found before anything is taken over.
      const renewed = await readTlsMaterials(changed);
      await access.reload(changed);
      started.replaceCertificates(renewed);
    },
    async stop() {
      readiness = DRAINING;
      log.write(LOG_EVENTS.processDraining);
      await releaseAll(releases, (part, error) =>
        log.write(LOG_EVENTS.shutdownIncomplete, { part, error: error as Error }),
      );
      log.write(LOG_EVENTS.processStopped);
    },
  };
}

async function releaseAll(releases: Release[], onFailure: (part: string, error: unknown) => void): Promise<void> {
  for (let next = releases.pop(); next !== undefined; next = releases.pop()) {
    const [part, release] = next;
    try {
      await release();
    } catch (error) {
      onFailure(part, error);
    }
  }
}

async function lockDirectory(config: Config, clock: Clock, releases: Release[]): Promise<void> {
  await mkdir(config.dataDir, { recursive: true });
  const { enabled, address, port } = config.admin;
  const lock = await DirectoryLock.acquire(config.dataDir, {
    pid: process.pid,
    since: clock.now(),
    nodeId: config.node.id,
    ...(enabled && port !== 0 ? { adminAddress: `http://${address}:${port}` } : {}),
  });
  releases.push(['data directory', () => lock.release()]);
}

async function openAdmin(
  config: Config,
  telemetry: Telemetry,
  releases: Release[],
  state: Pick<AdminSources, 'readiness' | 'drain' | 'watches'>,
): Promise<AdminServer | undefined> {
  if (!config.admin.enabled) return undefined;
  const { exporter: traces, exposition, metrics, log } = telemetry;
  const admin = await startAdminServer(config.admin, { traces, exposition, metrics, log, ...state });
  releases.push(['admin', () => admin.close()]);
  return admin;
}

function addressesOf(broker: Broker, config: Config, admin: AdminServer | undefined): ServerAddress[] {
  const mqtt = broker.addresses.map(({ transport, ...listener }): ServerAddress => {
    return { protocol: 'mqtt', scheme: SCHEMES[transport], ...listener };
  });
  if (admin === undefined) return mqtt;
  return [
    ...mqtt,
    { protocol: 'http', scheme: 'http', name: 'admin', address: config.admin.address, port: admin.port },
  ];
}
