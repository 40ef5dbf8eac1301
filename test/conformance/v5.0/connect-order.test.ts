import { conformance } from '../support/conformance.ts';

const { test, open } = conformance('5.0');

test('[MQTT-3.1.0-1] a first packet that is not CONNECT ends the connection', async () => {
  await using client = await open();
  client.send({ type: 'pingreq' });
  await client.expectClose();
});
