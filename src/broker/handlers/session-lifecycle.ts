import type { Clock } from '../../base/clock.ts';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { NO_SPAN } from '../../telemetry/recorder.ts';
import type { PushRecorder } from '../../telemetry/records/push-recorder.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';
import type { CatchUp } from '../delivery/catch-up.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import type { SharedDelivery } from '../delivery/shared-delivery.ts';
import type { SessionLog } from '../durability/session-log.ts';
import type { SessionStore } from '../durability/session-store.ts';
import type { Router } from '../router/router.ts';
import { expiryAtConnect, sessionEndsAt } from '../session/expiry.ts';
import { InboundExactlyOnce } from '../session/inbound-exactly-once.ts';
import { InflightWindow } from '../session/inflight-window.ts';
import { LIVE, Session, visitShared } from '../session/session.ts';
import { type ConnectionEnd, delayedWillAtConnect, willAtConnectionEnd } from '../session/will.ts';
import type { ServedClient } from './served-client.ts';
import type { WillPublisher } from './will-publisher.ts';

export interface SessionLimits {
  readonly maximumInflight: number;
  readonly expiryMaximumSeconds: number;
  readonly expiryForV3Seconds: number;
}

export interface OpenedSession {
  readonly session: Session;
  /** Session Present of CONNACK [MQTT-3.2.2-2] [MQTT-3.2.2-3]. */
  readonly present: boolean;
}

/** How sessions begin, change hands, and end: by clean start, disconnect, takeover and expiry. */
export class SessionLifecycle {
  readonly sessions = new Map<string, Session>();
  readonly #router: Router<Session>;
  readonly #store: SessionStore;
  readonly #sessionLog: SessionLog;
  readonly #shared: SharedDelivery;
  readonly #catchUp: CatchUp;
  readonly #wills: WillPublisher;
  readonly #pushes: PushRecorder;
  readonly #clock: Clock;
  readonly #shards: readonly ShardProgress[];
  readonly #limits: SessionLimits;
  readonly #onStoreFailure: (cause: unknown) => void;
  /** Sessions whose client is away, and so may expire or owe a will. */
  readonly #away = new Set<Session>();
  #expiredCount = 0;

  constructor(parts: {
    router: Router<Session>;
    store: SessionStore;
    sessionLog: SessionLog;
    shared: SharedDelivery;
    catchUp: CatchUp;
    wills: WillPublisher;
    pushes: PushRecorder;
    clock: Clock;
    shards: readonly ShardProgress[];
    limits: SessionLimits;
    onStoreFailure: (cause: unknown) => void;
  }) {
    this.#router = parts.router;
    this.#store = parts.store;
    this.#sessionLog = parts.sessionLog;
    this.#shared = parts.shared;
    this.#catchUp = parts.catchUp;
    this.#wills = parts.wills;
    this.#pushes = parts.pushes;
    this.#clock = parts.clock;
    this.#shards = parts.shards;
    this.#limits = parts.limits;
    this.#onStoreFailure = parts.onStoreFailure;
  }

  /** Sessions whose client did not come back in time. */
  get expiredCount(): number {
    return this.#expiredCount;
  }

  /**
   * The session for an authenticated CONNECT, served by the connection from now on. `number` is fresh, for a session
   * that has to be made; `context` the CONNECT's span. Synchronous, so that of two connections with one client identifier
   * one is first.
   */
  open(
    connection: ServedClient,
    clientId: string,
    packet: ConnectPacket,
    number: number,
    context: Uint8Array | undefined,
  ): OpenedSession {
    const { mountPoint, principal } = connection;
    const existing = this.#displace(clientId, packet.cleanStart, mountPoint, principal.username);
    const session =
      existing ??
      new Session(
        clientId,
        number,
        0,
        new InflightWindow(this.#limits.maximumInflight),
        new InboundExactlyOnce(),
        mountPoint,
      );
    if (existing === undefined) {
      this.sessions.set(clientId, session);
      for (const { shard } of this.#shards) session.positions[shard.number] = LIVE;
    }
    this.#away.delete(session);
    session.expirySeconds = this.#expiryOf(packet);
    session.userName = principal.username;
    session.protocolVersion = packet.protocolVersion;
    session.window.limit = Math.min(packet.properties.receiveMaximum ?? 65_535, this.#limits.maximumInflight);
    session.will = this.#wills.willOf(packet, context);
    session.willDueAt = undefined;
    session.redeliver = [];
    session.window.inOrder(({ packetId }) => session.redeliver.push(packetId));
    for (const { shard, dispatchedEnd } of this.#shards) session.presentSince[shard.number] = dispatchedEnd;
    session.attend(connection);
    connection.session = session;
    return { session, present: existing !== undefined };
  }

  /** The client has been told that it is connected, or subscribed: what is owed to it, or to its groups, may go out. */
  serve(session: Session): void {
    this.#catchUp.wake(session);
    this.#shared.wake(session);
  }

  /**
   * Durable before anything is said that depends on it. Of a session that ends with its connection nothing is kept; what
   * was stored for its client before must not come back.
   */
  save(session: Session, context?: Uint8Array): Promise<void> {
    if (session.persistent || session.will !== undefined) return this.#store.save(session, context);
    return this.#remove(session);
  }

  /** The connection is gone; what becomes of will and session is decided by how. */
  leave(connection: ServedClient, reason: CloseReason, end: ConnectionEnd): void {
    const { session } = connection;
    if (session === undefined || session.receiver !== connection) return;
    const now = this.#clock.now();
    session.leave(now);
    this.#endSpans(session, now);
    for (const { shard, dispatchedEnd } of this.#shards)
      if (session.positions[shard.number] === LIVE) session.positions[shard.number] = dispatchedEnd;
    if (reason !== CLOSE_REASONS.serverShutdown) this.#settleWill(session, end, now);
    else if (session.will !== undefined) session.willDueAt = now + session.will.delaySeconds * 1000;
    if (end.type === 'taken_over' && end.sessionContinues) return;
    if (session.persistent || session.willDueAt !== undefined) {
      this.#away.add(session);
      if (reason !== CLOSE_REASONS.serverShutdown) this.#shared.memberLeft(session);
      this.#store.save(session).catch(this.#onStoreFailure);
    } else this.end(session);
  }

  /** Forgets the session and all that was kept for it. */
  end(session: Session): void {
    this.#away.delete(session);
    if (this.sessions.get(session.clientId) === session) this.sessions.delete(session.clientId);
    session.end();
    this.#router.removeSession(session);
    if (session.willDueAt !== undefined) this.#publishWill(session);
    session.will = undefined;
    this.#remove(session).catch(this.#onStoreFailure);
    this.#shared.memberEnded(session);
  }

  /** A session brought back from placement, whose client is away. */
  restore(session: Session): void {
    this.sessions.set(session.clientId, session);
    this.#away.add(session);
  }

  /** Once a second: sessions that have expired, wills that are due. */
  tick(now: number): void {
    for (const session of this.#away) {
      if (session.willDueAt !== undefined && session.willDueAt <= now) {
        this.#publishWill(session);
        this.#store.save(session).catch(this.#onStoreFailure);
      }
      if (this.#hasExpired(session, now)) this.#expire(session);
    }
  }

  /**
   * Takes the client identifier from whoever has it; returns the session that goes on. One of another mount point does
   * not: its topics are not those of this client. Nor does one of another user, whose messages are not for this one.
   */
  #displace(
    clientId: string,
    cleanStart: boolean,
    mountPoint: string,
    userName: string | undefined,
  ): Session | undefined {
    const existing = this.sessions.get(clientId);
    if (existing === undefined) return undefined;
    if (this.#hasExpired(existing, this.#clock.now())) {
      // The next tick would have seen it.
      this.#expire(existing);
      return undefined;
    }
    const isOwn = existing.mountPoint === mountPoint && existing.userName === userName;
    const sessionContinues = !cleanStart && existing.persistent && isOwn;
    const { receiver } = existing;
    if (receiver !== undefined) {
      // [MQTT-3.1.4-3]; closing ends the session unless it goes on.
      (receiver as ServedClient).connectionEnd = { type: 'taken_over', sessionContinues };
      receiver.close(CLOSE_REASONS.sessionTakenOver);
    } else this.#settleWaitingWill(existing, sessionContinues);
    if (sessionContinues) {
      this.#shared.memberReturned(existing);
      return existing;
    }
    existing.will = undefined;
    if (this.sessions.get(clientId) === existing) this.end(existing);
    return undefined;
  }

  /** Of a client that is back. The broker may not have come to publish one that was due already [MQTT-3.1.3-9]. */
  #settleWaitingWill(session: Session, sessionContinues: boolean): void {
    if (session.willDueAt === undefined) return;
    const isDue = session.willDueAt <= this.#clock.now();
    if (isDue || delayedWillAtConnect(sessionContinues).type === 'publish') this.#publishWill(session);
  }

  /** What is stored keeps the will until it is published: a crash in between does not lose it. */
  #publishWill(session: Session): void {
    if (session.will !== undefined) this.#store.hold(session.clientId, this.#wills.publish(session));
    session.will = undefined;
    session.willDueAt = undefined;
  }

  /** What it holds for shared groups is theirs after a crash: the session log says so before the record goes that did. */
  #remove(session: Session): Promise<void> {
    if (!this.#store.isStored(session)) return this.#store.remove(session);
    visitShared(session, ({ packetId, qos, shard, offset, group }) => {
      session.inLastingGroup = true;
      this.#sessionLog.sent(session, packetId, qos, shard, offset, group);
    });
    return this.#store.remove(session, session.inLastingGroup ? this.#sessionLog.durable() : undefined);
  }

  #expire(session: Session): void {
    this.#expiredCount += 1;
    this.end(session);
  }

  /** [MQTT-3.1.2-23] */
  #hasExpired({ attendance, expirySeconds }: Session, now: number): boolean {
    return attendance.type === 'disconnected' && sessionEndsAt(attendance.at, expirySeconds) <= now;
  }

  #expiryOf({ protocolVersion, cleanStart, properties }: ConnectPacket): number {
    const { expiryMaximumSeconds, expiryForV3Seconds } = this.#limits;
    const maximumSeconds =
      protocolVersion < 5 ? Math.min(expiryForV3Seconds, expiryMaximumSeconds) : expiryMaximumSeconds;
    return expiryAtConnect(protocolVersion, cleanStart, properties.sessionExpiryInterval, maximumSeconds);
  }

  #settleWill(session: Session, end: ConnectionEnd, now: number): void {
    if (session.will === undefined) return;
    const decision = willAtConnectionEnd(end, session.will.delaySeconds, session.expirySeconds, now);
    if (decision.type === 'delay') {
      session.willDueAt = decision.dueAt;
      return;
    }
    if (decision.type === 'publish') this.#publishWill(session);
    session.will = undefined;
  }

  /** Deliveries under way are over for now: they begin again with the next connection. */
  #endSpans(session: Session, now: number): void {
    session.window.inOrder((window) => {
      const { span, packetId, sentAt } = window;
      if (span === NO_SPAN) return;
      this.#pushes.disconnected(span, now);
      window.resent(packetId, sentAt, NO_SPAN);
    });
  }
}
