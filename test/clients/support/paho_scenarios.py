"""Scenarios for paho.mqtt.client. Prints one JSON value a line.

paho_scenarios.py SCENARIO PORT VERSION TRANSPORT CA: version 4 or 5, transport tcp, tls, ws or wss, a file with the
authority of the broker's certificate.
"""

import json
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

LIMIT_SECONDS = 20
SESSION_SECONDS = 600
TRANSPORT, AUTHORITY = sys.argv[4:6]


class Client:
    """A connected paho client whose callbacks can be waited for."""

    def __init__(self, port, version, client_id, persistent=False, will=None):
        self.version = version
        self.connected = queue.Queue()
        self.subscribed = queue.Queue()
        self.messages = queue.Queue()
        # Version 2 of paho asks which callbacks it is to use.
        callbacks = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
        options = {"protocol": mqtt.MQTTv5} if version == 5 else {"protocol": mqtt.MQTTv311, "clean_session": not persistent}
        websockets = TRANSPORT in ("ws", "wss")
        transport = "websockets" if websockets else "tcp"
        self.paho = mqtt.Client(*callbacks, client_id=client_id, transport=transport, **options)
        if websockets:
            self.paho.ws_set_options(path="/mqtt")
        if TRANSPORT in ("tls", "wss"):
            self.paho.tls_set(ca_certs=AUTHORITY)
        self.paho.on_connect = lambda _client, _data, flags, *_rest: self.connected.put(flags["session present"])
        self.paho.on_subscribe = lambda _client, _data, _id, granted, *_rest: self.subscribed.put(granted)
        self.paho.on_message = lambda _client, _data, message: self.messages.put(message)
        if will is not None:
            self.paho.will_set(will, "gone", qos=1)
        self.paho.connect("127.0.0.1", port, **(self.session_options(persistent) if version == 5 else {}))
        self.paho.loop_start()
        self.session_present = self.connected.get(timeout=LIMIT_SECONDS)

    @staticmethod
    def session_options(persistent):
        properties = Properties(PacketTypes.CONNECT)
        if persistent:
            properties.SessionExpiryInterval = SESSION_SECONDS
        return {"clean_start": not persistent, "properties": properties}

    def subscribe(self, topic, qos):
        self.paho.subscribe(topic, qos)
        return self.subscribed.get(timeout=LIMIT_SECONDS)

    def publish(self, topic, payload, qos, retain=False, properties=None):
        self.paho.publish(topic, payload, qos, retain, properties).wait_for_publish(LIMIT_SECONDS)

    def receive(self):
        return self.messages.get(timeout=LIMIT_SECONDS)

    def lose(self):
        """The network is gone: no DISCONNECT."""
        self.paho.loop_stop()
        self.paho.socket().close()

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()


def show(message):
    print(json.dumps([message.topic, message.payload.decode(), message.qos, bool(message.retain)]))


def exchange(port, version):
    client = Client(port, version, f"exchange-{version}")
    client.subscribe(f"paho/exchange/{version}/#", 2)
    for qos in (0, 1, 2):
        client.publish(f"paho/exchange/{version}/{qos}", f"hello {qos}", qos)
        show(client.receive())
    client.leave()


def retained(port, version):
    client = Client(port, version, f"retained-{version}")
    topic = f"paho/retained/{version}"
    client.publish(topic, "kept", 1, retain=True)
    client.subscribe(topic, 1)
    show(client.receive())
    client.publish(topic, "", 1, retain=True)
    show(client.receive())
    client.leave()


def will(port, version):
    topic = f"paho/will/{version}"
    watcher = Client(port, version, f"watcher-{version}")
    watcher.subscribe(topic, 1)
    polite = Client(port, version, f"polite-{version}", will=topic)
    polite.leave()
    watcher.publish(topic, "marker", 1)
    show(watcher.receive())
    lost = Client(port, version, f"lost-{version}", will=topic)
    lost.lose()
    show(watcher.receive())
    watcher.leave()


def persistent(port, version):
    topic = f"paho/persistent/{version}"
    first = Client(port, version, f"persistent-{version}", persistent=True)
    print(json.dumps(bool(first.session_present)))
    first.subscribe(topic, 2)
    first.leave()
    publisher = Client(port, version, f"publisher-{version}")
    for qos in (1, 2):
        publisher.publish(topic, f"missed {qos}", qos)
    publisher.leave()
    second = Client(port, version, f"persistent-{version}", persistent=True)
    print(json.dumps(bool(second.session_present)))
    for _ in (1, 2):
        show(second.receive())
    second.leave()


def properties(port, version):
    client = Client(port, version, "properties")
    client.subscribe("paho/properties", 1)
    sent = Properties(PacketTypes.PUBLISH)
    sent.ContentType = "text/plain"
    sent.ResponseTopic = "answers"
    sent.CorrelationData = b"c-1"
    sent.UserProperty = [("b", "2"), ("a", "1"), ("b", "2")]
    client.publish("paho/properties", "x", 1, properties=sent)
    received = client.receive().properties
    own = [list(pair) for pair in received.UserProperty if pair[0] != "traceparent"]
    print(json.dumps([received.ContentType, received.ResponseTopic, received.CorrelationData.decode(), own]))
    client.leave()


SCENARIOS = {scenario.__name__: scenario for scenario in (exchange, retained, will, persistent, properties)}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
