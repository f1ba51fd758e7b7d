// dotnet run, with MQTTnet 5: publishes a temperature at QoS 1 and waits until it has come back.
using MQTTnet;
using MQTTnet.Protocol;

var host = Environment.GetEnvironmentVariable("MQTT_HOST") ?? "localhost";
var port = int.Parse(Environment.GetEnvironmentVariable("MQTT_PORT") ?? "1883");
const string topic = "home/kitchen/temperature";

using var client = new MqttClientFactory().CreateMqttClient();
var came = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);

// Before it connects: a retained message may come at once.
client.ApplicationMessageReceivedAsync += e =>
{
    came.TrySetResult(e.ApplicationMessage.ConvertPayloadToString());
    return Task.CompletedTask;
};

var options = new MqttClientOptionsBuilder()
    .WithTcpServer(host, port)
    // .WithCredentials("alice", Environment.GetEnvironmentVariable("MQTT_PASSWORD"))
    // .WithTlsOptions(tls => tls.UseTls())
    .WithProtocolVersion(MQTTnet.Formatter.MqttProtocolVersion.V500)
    .Build();

await client.ConnectAsync(options);
await client.SubscribeAsync(topic, MqttQualityOfServiceLevel.AtLeastOnce);

var message = new MqttApplicationMessageBuilder()
    .WithTopic(topic)
    .WithPayload("21.5")
    .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
    .WithRetainFlag()
    .Build();
await client.PublishAsync(message);

Console.WriteLine($"{topic} {await came.Task.WaitAsync(TimeSpan.FromSeconds(10))}");
await client.DisconnectAsync();
