import { Broker, type BrokerLimits } from "../../src/broker/broker.ts"
import type { Settings } from "../../src/config/settings.ts"
import { Acceptor } from "../../src/connection/acceptor.ts"
import type { Entrance } from "../../src/connection/entrance.ts"
import { Bans } from "../../src/security/guard/bans.ts"
import { LoginGuard } from "../../src/security/guard/login-guard.ts"
import { OnlineUsers } from "../../src/security/online-users.ts"
import { UserQuotas } from "../../src/security/guard/user-quotas.ts"
import { Slices } from "../../src/connection/slices.ts"
import { StoreGate } from "../../src/connection/store-gate.ts"
import { Turn } from "../../src/connection/turn.ts"
import type { ConnectionSurroundings } from "../../src/connection/surroundings.ts"
import type { ConnectionLimits } from "../../src/connection/terms.ts"
import { resumedMs } from "../../src/foundation/clock.ts"
import { type DropReason, newCounters } from "../../src/foundation/counters.ts"
import { deafRefusals } from "../support/deaf-refusals.ts"
import { silentLog } from "../support/silent-log.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { PublishReader } from "../../src/protocol/publish-reader.ts"
import { PublishRun } from "../../src/protocol/publish-run.ts"
import { TopicTable } from "../../src/protocol/topic-table.ts"
import { defaultTopicLimits } from "../../src/protocol/topic.ts"
import type { ShareStrategy } from "../../src/routing/share-groups.ts"
import {
  AuthenticationChain,
  anonymousAuthenticator,
} from "../../src/security/authentication/authentication.ts"
import { AuthorizationChain, sysTopicsAreOurs } from "../../src/security/access/authorization.ts"
import type { WriteLimits } from "../../src/transport/write-buffer.ts"
import { ManualTurn, MemorySocket } from "../support/memory-socket.ts"
import type { SimulatedStore } from "../support/simulated-store.ts"
import { TurnedClock } from "../support/turned-clock.ts"

export type SimulatedLimits = BrokerLimits &
  ConnectionLimits &
  Pick<Settings["limits"], "subscriptionsPerPacket" | "userPropertiesPerPacket">

/** What a broker tells the simulation of itself. */
export interface BrokerWatch {
  dropped(clientId: string, why: DropReason): void
  happened(what: "session taken over" | "session expired" | "will published"): void
  /** @throws Violation */
  bug(error: string): void
}

/** One life of a broker, from its start to its crash, on a disk that outlives it. */
export class SimulatedBroker {
  readonly broker: Broker
  readonly acceptor: Acceptor
  readonly clock: TurnedClock
  readonly store: SimulatedStore
  readonly #turn = new ManualTurn()
  readonly #watch: BrokerWatch
  readonly #output: WriteLimits
  #sockets: MemorySocket[] = []
  #soon: (() => void)[] = []
  #bugs: string[] = []

  constructor(
    store: SimulatedStore,
    wallMs: number,
    limits: SimulatedLimits,
    shareStrategy: ShareStrategy,
    output: WriteLimits,
    watch: BrokerWatch,
  ) {
    this.store = store
    this.clock = new TurnedClock(resumedMs(store.disk.time, wallMs), wallMs)
    this.#watch = watch
    this.#output = output
    const { clock } = this
    const counters = newCounters()
    const bug = (error: unknown) => {
      this.#bugs.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    const authorization = new AuthorizationChain([sysTopicsAreOurs], true)
    this.broker = new Broker({
      store,
      clock,
      counters,
      limits,
      shareStrategy,
      mayPublishWill: () => {
        watch.happened("will published")
        return true
      },
      bug,
    })
    this.broker.hook.onEvent("message-dropped", ({ clientId, why }) => watch.dropped(clientId, why))
    this.broker.hook.onEvent("session-taken-over", () => watch.happened("session taken over"))
    this.broker.hook.onEvent("session-expired", () => watch.happened("session expired"))
    const storeGate = new StoreGate(store)
    const topics = new TopicTable(defaultTopicLimits)
    const users = new OnlineUsers(store.accounts, clock, silentLog)
    const surroundings: ConnectionSurroundings = {
      broker: this.broker,
      authorization,
      refusals: deafRefusals,
      users,
      logins: new LoginGuard(
        { failures: 5, failuresOfAddress: 0, windowMs: 60_000, longestWaitMs: 1_000 },
        clock,
      ),
      bans: new Bans(),
      quotas: new UserQuotas(users),
      admissions: new Slices((run) => void this.#soon.push(run)),
      limits,
      topicLimits: defaultTopicLimits,
      packetBounds: {
        userProperties: limits.userPropertiesPerPacket,
        filters: limits.subscriptionsPerPacket,
      },
      publishReader: new PublishReader(topics, limits.userPropertiesPerPacket),
      publishRun: new PublishRun(topics, limits.userPropertiesPerPacket),
      clock,
      counters,
      log: { ...silentLog, error: (sentence, fields) => bug(`${sentence}: ${String(fields?.["error"])}`) },
      turn: new Turn(clock, (run) => void this.#soon.push(run)),
      get storeIsBehind() {
        return store.mood === "behind"
      },
      whenStoreCaughtUp: (resume) => storeGate.wait(resume),
    }
    this.acceptor = new Acceptor(surroundings)
  }

  /** Somebody opens a Network Connection. */
  socket(): MemorySocket {
    const socket = new MemorySocket(this.acceptor.accept(entrance), {
      turn: this.#turn,
      limits: this.#output,
    })
    this.#sockets.push(socket)
    return socket
  }

  /** It is stopped as `Server.stop` does it, and has said goodbye to everyone. @param pass lets time go by */
  async stop(pass: (ms: number) => void): Promise<void> {
    const closing = this.acceptor.close(ReasonCode.serverShuttingDown)
    await this.endTurn()
    for (let passedMs = 0; this.acceptor.size > 0; passedMs += 1000) {
      if (passedMs > longestFarewellMs) this.#watch.bug("connections outlive the broker")
      pass(1000)
      await this.endTurn()
    }
    await closing
    this.broker.close()
    await this.endTurn()
  }

  /** As the store does it now and then, and when somebody has put the wall back or forward. */
  keepTime(): void {
    this.store.keepTime({ nowMs: this.clock.now(), wallMs: this.clock.wall() })
  }

  /** Promises go so many steps further; between any two of them something else may happen. */
  async promises(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) await Promise.resolve()
  }

  /** The turn of the event loop comes to its end: promises, slices of long work, what is to be written. */
  async endTurn(): Promise<void> {
    for (const run of this.#soon.splice(0)) run()
    await this.promises(30)
    for (const socket of this.#sockets) socket.flush()
    this.#sockets = this.#sockets.filter(({ state }) => state === "open")
    this.store.endTurn()
    this.keepTime()
    for (const bug of this.#bugs.splice(0)) this.#watch.bug(bug)
  }
}

/** Within this, whoever does not read is cut off. */
const longestFarewellMs = 60_000

const entrance: Entrance = {
  url: "tcp://127.0.0.1:1883",
  authentication: new AuthenticationChain([anonymousAuthenticator]),
  limits: { connections: undefined, connectionRate: undefined, messagesPerSecond: undefined },
}
