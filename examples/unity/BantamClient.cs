// Put MQTTnet.dll (version 5, netstandard or the one that fits your Unity) into Assets/Plugins, and this on a GameObject.
using System;
using System.Collections.Concurrent;
using System.Threading;
using MQTTnet;
using UnityEngine;

public sealed class BantamClient : MonoBehaviour
{
    [SerializeField] string host = "localhost";
    [SerializeField] int port = 1883;
    [SerializeField] string topic = "game/#";

    readonly ConcurrentQueue<(string Topic, string Payload)> arrived = new();
    readonly CancellationTokenSource stopping = new();
    IMqttClient client;

    async void Start()
    {
        try
        {
            client = new MqttClientFactory().CreateMqttClient();
            // Another thread than Unity's: nothing of the scene may be touched here.
            client.ApplicationMessageReceivedAsync += e =>
            {
                arrived.Enqueue((e.ApplicationMessage.Topic, e.ApplicationMessage.ConvertPayloadToString()));
                return System.Threading.Tasks.Task.CompletedTask;
            };
            await client.ConnectAsync(
                new MqttClientOptionsBuilder().WithTcpServer(host, port).Build(), stopping.Token);
            await client.SubscribeAsync(topic, cancellationToken: stopping.Token);
            await client.PublishStringAsync("game/player", "joined", cancellationToken: stopping.Token);
        }
        catch (Exception error)
        {
            Debug.LogException(error, this);
        }
    }

    void Update()
    {
        while (arrived.TryDequeue(out var message)) Debug.Log($"{message.Topic}: {message.Payload}", this);
    }

    async void OnDestroy()
    {
        stopping.Cancel();
        if (client is { IsConnected: true }) await client.DisconnectAsync();
        client?.Dispose();
    }
}
