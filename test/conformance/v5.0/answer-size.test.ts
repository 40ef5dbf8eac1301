import { conformance } from '../support/conformance.ts';
import { sendSubscribe, wordedAnswers } from '../support/worded-answers.ts';

const suite = conformance('5.0');
const { test, unique } = suite;
const topic = unique('topic');

test('[MQTT-3.4.2-2] [MQTT-3.4.2-3] PUBACK has words only where the client’s Maximum Packet Size has room', async () => {
  await wordedAnswers(suite, 'puback', (client) => client.sendPublish(topic, 'message', { qos: 1 }));
});

test('[MQTT-3.5.2-2] [MQTT-3.5.2-3] PUBREC has words only where the client’s Maximum Packet Size has room', async () => {
  await wordedAnswers(suite, 'pubrec', (client) => client.sendPublish(topic, 'message', { qos: 2 }));
});

test('[MQTT-3.6.2-2] [MQTT-3.6.2-3] PUBREL of an unknown message has words only where there is room', async () => {
  await wordedAnswers(suite, 'pubrel', (client) => client.sendAck('pubrec', 1000));
});

test('[MQTT-3.7.2-2] [MQTT-3.7.2-3] PUBCOMP of an unknown message has words only where there is room', async () => {
  await wordedAnswers(suite, 'pubcomp', (client) => client.sendAck('pubrel', 1000));
});

test('[MQTT-3.9.2-1] [MQTT-3.9.2-2] SUBACK has words only where the client’s Maximum Packet Size has room', async () => {
  await wordedAnswers(suite, 'suback', (client) => sendSubscribe(client, topic));
});

test('[MQTT-3.11.2-1] [MQTT-3.11.2-2] UNSUBACK of what is not there has words only where there is room', async () => {
  await wordedAnswers(suite, 'unsuback', (client) =>
    client.send({ type: 'unsubscribe', packetId: 1, filters: [topic], properties: {} }),
  );
});

test('[MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT has words only where the client’s Maximum Packet Size has room', async () => {
  await wordedAnswers(suite, 'disconnect', (client) => client.sendConnect({ clientId: 'c' }));
});
