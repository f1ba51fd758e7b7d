"""Talks to a broker with paho-mqtt and prints what it saw as JSON.

Each scenario waits for acknowledgements and messages, never for time to pass; a broker that stays silent ends it with
an error after a while.
"""

import json
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE_SECONDS = 10


class Client:
    def __init__(self, door, name, clean=True):
        self.messages = queue.Queue()
        self.subscribed = queue.Queue()
        self.connected = queue.Queue()
        self.disconnected = queue.Queue()
        self.is_v5 = door["version"] == 5
        protocol = mqtt.MQTTv5 if self.is_v5 else mqtt.MQTTv311
        arguments = {} if self.is_v5 else {"clean_session": clean}
        self.mqtt = mqtt.Client(name, protocol=protocol, transport=door["transport"], **arguments)
        if "ca" in door:
            self.mqtt.tls_set(ca_certs=door["ca"])
        if door["transport"] == "websockets":
            self.mqtt.ws_set_options(path="/mqtt")
        self.mqtt.on_message = lambda _client, _userdata, message: self.messages.put(message)
        self.mqtt.on_subscribe = lambda *arguments: self.subscribed.put(arguments[3])
        self.mqtt.on_connect = lambda *arguments: self.connected.put(arguments[2:4])
        self.mqtt.on_disconnect = lambda *arguments: self.disconnected.put(arguments[2:])
        self.door = door
        self.clean = clean

    def connect(self):
        arguments = {}
        if self.is_v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if self.clean else 600
            arguments = {"clean_start": self.clean, "properties": properties}
        self.mqtt.connect("localhost", self.door["port"], **arguments)
        self.mqtt.loop_start()
        flags, code = self.connected.get(timeout=PATIENCE_SECONDS)
        assert code == 0, f"refused with {code}"
        return flags["session present"]

    def subscribe(self, topic, qos):
        self.mqtt.subscribe(topic, qos)
        return self.subscribed.get(timeout=PATIENCE_SECONDS)

    def publish(self, topic, payload, qos, retain=False, properties=None):
        information = self.mqtt.publish(topic, payload, qos, retain, properties)
        information.wait_for_publish(PATIENCE_SECONDS)
        assert information.is_published(), "the message was not acknowledged"

    def receive(self):
        message = self.messages.get(timeout=PATIENCE_SECONDS)
        return {
            "payload": message.payload.decode(),
            "qos": message.qos,
            "retain": bool(message.retain),
        }

    def disconnect(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def exchange(door):
    """Every QoS, and a retained message that is cleared."""
    topic = f"paho/{door['port']}/{door['version']}"
    subscriber = Client(door, "subscriber")
    publisher = Client(door, "publisher")
    subscriber.connect()
    publisher.connect()
    subscriber.subscribe(topic, 2)
    for qos in (0, 1, 2):
        publisher.publish(topic, f"at {qos}", qos)
    received = [subscriber.receive() for _ in range(3)]
    publisher.publish(f"{topic}/retained", "still here", 1, True)
    subscriber.subscribe(f"{topic}/retained", 1)
    received.append(subscriber.receive())
    publisher.publish(f"{topic}/retained", "", 1, True)
    received.append(subscriber.receive())
    subscriber.disconnect()
    publisher.disconnect()
    return received


def resume(door):
    """A client goes away and gets what came meanwhile, once."""
    topic = f"paho/away/{door['version']}"
    name = f"paho-absent-{door['version']}"
    absent = Client(door, name, clean=False)
    present_at_first = absent.connect()
    absent.subscribe(topic, 2)
    absent.disconnect()
    publisher = Client(door, "publisher")
    publisher.connect()
    for qos in (1, 2):
        publisher.publish(topic, f"at {qos}", qos)
    back = Client(door, name, clean=False)
    present_later = back.connect()
    received = [back.receive() for _ in range(2)]
    publisher.publish(topic, "last", 1)
    received.append(back.receive())
    publisher.disconnect()
    back.disconnect()
    return {"sessionPresent": [bool(present_at_first), bool(present_later)], "received": received}


def will(door):
    """The socket is cut under a client that leaves a will."""
    topic = f"paho/will/{door['version']}"
    heir = Client(door, "heir")
    heir.connect()
    heir.subscribe(topic, 1)
    mortal = Client(door, "mortal")
    mortal.mqtt.will_set(topic, "farewell", 1)
    mortal.connect()
    mortal.mqtt.loop_stop()
    mortal.mqtt.socket().close()
    received = heir.receive()
    heir.disconnect()
    return received


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    scenario = {"exchange": exchange, "resume": resume, "will": will}[order["scenario"]]
    print(json.dumps(scenario(order["door"])))
