import { type EventEmitter, once } from 'node:events';
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { Inbox } from './inbox.ts';

export interface ReceivedMessage {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

/** mqtt.js as it comes from npm, with what it received to be waited for. */
export class MqttJsClient implements AsyncDisposable {
  readonly client: MqttClient;
  readonly #messages = new Inbox<ReceivedMessage>(({ topic, text }) => `${topic}: ${text}`);

  private constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, packet) => this.#messages.push({ topic, text: payload.toString(), packet }));
    client.on('close', () => this.#messages.close(new Error('the connection was closed')));
  }

  /** `protocolVersion` 4 or 5; reconnects only when told to. */
  static async connect(port: number, options: IClientOptions = {}): Promise<MqttJsClient> {
    const client = connect({ host: '127.0.0.1', port, reconnectPeriod: 0, protocolVersion: 5, ...options });
    // From the start on, since a persistent session may be served right behind the CONNACK.
    const wrapper = new MqttJsClient(client);
    await once(client as unknown as EventEmitter, 'connect');
    return wrapper;
  }

  next(): Promise<ReceivedMessage> {
    return this.#messages.take('a message');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }
}
