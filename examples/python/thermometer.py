"""Publishes a temperature, and waits until it has come back. `pip install paho-mqtt`, 1.6 or 2."""

import os
import sys
import threading

import paho.mqtt.client as mqtt

host = os.environ.get("MQTT_HOST", "localhost")
port = int(os.environ.get("MQTT_PORT", "1883"))
topic = "home/kitchen/temperature"

came = threading.Event()


def on_connect(client, userdata, flags, reason_code, properties=None):
    if reason_code != 0:
        sys.exit(f"the broker refused the connection: {reason_code}")
    client.subscribe(topic, qos=1)


def on_subscribe(client, userdata, message_id, granted, properties=None):
    client.publish(topic, "21.5", qos=1, retain=True)


def on_message(client, userdata, message):
    print(message.topic, message.payload.decode())
    came.set()


if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
else:
    client = mqtt.Client(protocol=mqtt.MQTTv5)
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
if "MQTT_USERNAME" in os.environ:
    client.username_pw_set(os.environ["MQTT_USERNAME"], os.environ.get("MQTT_PASSWORD"))

client.connect(host, port)
client.loop_start()
if not came.wait(timeout=10):
    sys.exit("nothing came back")
client.disconnect()
client.loop_stop()
