import { createServer } from "node:net"
import { Aedes } from "aedes"

/*
 * The peer aedes, as its own documents start it. Prints the port that it listens on.
 */

const broker = await Aedes.createBroker()
const server = createServer(broker.handle)
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
process.on("SIGTERM", () => process.exit(0))
