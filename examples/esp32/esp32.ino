// An ESP32 that tells its temperature every ten seconds, listens for a command, and is missed when it goes.
// Libraries: PubSubClient (Nick O'Leary) by the library manager; WiFi comes with the board.
#include <WiFi.h>
#include <PubSubClient.h>

const char *wifiName = "YOUR-WIFI";
const char *wifiPassword = "YOUR-WIFI-PASSWORD";
const char *broker = "192.168.1.5";
const uint16_t port = 1883;
// bantam user add pump-1 --client-id pump-1 --allow 'devices/pump-1/#'
const char *clientId = "pump-1";
const char *user = "pump-1";
const char *password = "YOUR-PASSWORD";

WiFiClient network;
PubSubClient mqtt(network);
unsigned long lastSentMs = 0;

void onMessage(char *topic, byte *payload, unsigned int length) {
  // The payload does not end with a zero.
  bool on = length == 2 && memcmp(payload, "on", 2) == 0;
  digitalWrite(LED_BUILTIN, on ? HIGH : LOW);
}

void connectMqtt() {
  while (!mqtt.connected()) {
    // The broker publishes the will, retained, if we vanish.
    if (mqtt.connect(clientId, user, password, "devices/pump-1/online", 1, true, "no")) {
      mqtt.publish("devices/pump-1/online", "yes", true);
      mqtt.subscribe("devices/pump-1/set", 1);
    } else {
      Serial.printf("MQTT: state %d, once more in 5 s\n", mqtt.state());
      delay(5000);
    }
  }
}

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  WiFi.begin(wifiName, wifiPassword);
  while (WiFi.status() != WL_CONNECTED) delay(250);
  mqtt.setServer(broker, port);
  mqtt.setCallback(onMessage);
}

void loop() {
  connectMqtt();
  mqtt.loop();
  if (millis() - lastSentMs < 10000) return;
  lastSentMs = millis();
  char text[16];
  snprintf(text, sizeof text, "%.1f", temperatureRead());
  mqtt.publish("devices/pump-1/temperature", text);
}
