import { FloodClient } from "./flood-client.ts"
import { flood } from "./flood-side.ts"
import { keepRetained, mostRetained } from "./retained.ts"

await flood(async ({ port, effort }) => {
  const client = await FloodClient.connect(port, { clientId: "keeper" })
  await keepRetained(client, mostRetained[effort], "kept")
  await client.cut()
})
