import { Broker, type BrokerLimits } from "../../src/broker/broker.ts"
import type { DropReason } from "../../src/foundation/counters.ts"
import type { Settings } from "../../src/config/settings.ts"
import { newCounters } from "../../src/foundation/counters.ts"
import type { Clock } from "../../src/foundation/clock.ts"
import type { Log } from "../../src/foundation/log.ts"
import { deafRefusals } from "./deaf-refusals.ts"
import { silentLog } from "./silent-log.ts"
import { Acceptor } from "../../src/connection/acceptor.ts"
import type { Entrance, EntranceLimits } from "../../src/connection/entrance.ts"
import { Slices } from "../../src/connection/slices.ts"
import { StoreGate } from "../../src/connection/store-gate.ts"
import { Turn } from "../../src/connection/turn.ts"
import type { ConnectionSurroundings } from "../../src/connection/surroundings.ts"
import type { ConnectionLimits } from "../../src/connection/terms.ts"
import type { ProtocolVersion } from "../../src/protocol/packet.ts"
import { PublishReader } from "../../src/protocol/publish-reader.ts"
import { PublishRun } from "../../src/protocol/publish-run.ts"
import { TopicTable } from "../../src/protocol/topic-table.ts"
import { defaultTopicLimits, type TopicLimits } from "../../src/protocol/topic.ts"
import type { ShareStrategy } from "../../src/routing/share-groups.ts"
import { AuthenticationChain, type Authenticator } from "../../src/security/authentication/authentication.ts"
import {
  AuthorizationChain,
  type Authorizer,
  superusersMayAll,
  sysTopicsAreOurs,
} from "../../src/security/access/authorization.ts"
import type { ExchangeAuthenticator } from "../../src/security/authentication/exchange.ts"
import { plainPrincipal } from "../../src/security/identity.ts"
import { Bans } from "../../src/security/guard/bans.ts"
import { LoginGuard, type LoginLimits } from "../../src/security/guard/login-guard.ts"
import { OnlineUsers } from "../../src/security/online-users.ts"
import type { RefusalTrail } from "../../src/security/access/refusal-trail.ts"
import { UserQuotas } from "../../src/security/guard/user-quotas.ts"
import { WillRights } from "../../src/security/will-rights.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { Store } from "../../src/storage/store.ts"
import type { PeerCertificate } from "../../src/transport/socket.ts"
import type { WriteLimits } from "../../src/transport/write-buffer.ts"
import { ManualTurn, MemorySocket } from "./memory-socket.ts"
import type { ConnectWords } from "./packets.ts"
import { ScriptedClient } from "./scripted-client.ts"
import { TurnedClock } from "./turned-clock.ts"

/** As a server has them: the bounds of single packets stand among them. */
type TestLimits = BrokerLimits &
  ConnectionLimits &
  Pick<Settings["limits"], "subscriptionsPerPacket" | "userPropertiesPerPacket">

/** What a test wants otherwise than it is by default. */
export interface TestBrokerOptions {
  readonly store?: Store
  readonly limits?: Partial<TestLimits>
  readonly topicLimits?: TopicLimits
  readonly shareStrategy?: ShareStrategy
  /** Without one, everybody is let in as whom he says he is. */
  readonly authenticator?: Authenticator
  /** Nobody but the accounts could have said who somebody was in an earlier run. */
  readonly onlyAccounts?: boolean
  /** For who names an authentication method; without any, every method is unknown. */
  readonly exchanges?: readonly ExchangeAuthenticator[]
  readonly authorizers?: readonly Authorizer[]
  /** Told of what is refused. */
  readonly refusals?: (clock: Clock) => RefusalTrail
  readonly logins?: Partial<LoginLimits>
  /** Of the one listener. */
  readonly entrance?: Partial<EntranceLimits>
  readonly log?: Log
  /** How much may wait for a client that does not read. */
  readonly output?: WriteLimits
}

export interface TestClientOptions {
  readonly version?: ProtocolVersion
  readonly remoteAddress?: string
  readonly output?: WriteLimits
  /** What it has shown in its handshake. */
  readonly certificate?: PeerCertificate
}

const usualLimits: TestLimits = {
  connections: 1_000,
  connectionRate: 0,
  connectionRatePerAddress: 0,
  halfOpen: 1_000,
  halfOpenPerAddress: 0,
  messagesPerSecond: 0,
  packetBytes: 1_048_576,
  connectPacketBytes: 262_144,
  clientIdBytes: 65_535,
  connectTimeoutMs: 10_000,
  inFlight: 256,
  receiveMaximum: 256,
  topicAliases: 32,
  topicAliasesOut: 32,
  subscriptionsPerClient: 1_000,
  subscriptionsPerPacket: 1_000,
  userPropertiesPerPacket: 128,
  maximumQos: 2,
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  sharedSubscriptionAvailable: true,
  keepAliveMaximumSeconds: 0,
  sessionExpiryMaximumSeconds: 0xffff_ffff,
  messageExpiryMaximumSeconds: 0,
  refusedPublish: "answer",
  responseInformation: "",
  serverReference: "",
  queuedMessages: 100_000,
  queuedBytes: 268_435_456,
  whenFull: "drop-oldest",
  windowMessages: 1_000,
  retainedMessages: 1_000_000,
  retainedBytes: 1_073_741_824,
}

const usualLoginLimits: LoginLimits = {
  failures: 5,
  failuresOfAddress: 100,
  windowMs: 3_600_000,
  longestWaitMs: 900_000,
}

const everybody: Authenticator = {
  authenticate: ({ username }) => ({ verdict: "accept", principal: plainPrincipal(username) }),
}

/**
 * The broker from its door to its store, without a network, a disk or the time. Whatever it calls a bug of its own
 * fails the test at its next step.
 */
export class TestBroker {
  readonly broker: Broker
  readonly acceptor: Acceptor
  readonly clock = new TurnedClock()
  readonly counters = newCounters()
  readonly users: OnlineUsers
  readonly bans = new Bans()
  readonly entrance: Entrance
  readonly #turn = new ManualTurn()
  readonly #clients: ScriptedClient[] = []
  readonly #output: WriteLimits
  readonly #bugs: string[] = []
  #soon: (() => void)[] = []

  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const test = new TestBroker(options)
    await test.broker.restore()
    return test
  }

  private constructor(options: TestBrokerOptions) {
    const limits = { ...usualLimits, ...options.limits }
    const { clock, counters } = this
    const store = options.store ?? new MemoryStore()
    const topicLimits = options.topicLimits ?? defaultTopicLimits
    const authorization = new AuthorizationChain(
      [sysTopicsAreOurs, superusersMayAll, ...(options.authorizers ?? [])],
      true,
    )
    const log: Log = {
      ...(options.log ?? silentLog),
      error: (sentence, fields) => void this.#bugs.push(`${sentence}: ${JSON.stringify(fields)}`),
    }
    const trail = options.refusals?.(clock)
    const refusals = trail ?? deafRefusals
    this.#output = options.output ?? {}
    this.users = new OnlineUsers(store.accounts, clock, log)
    store.onAccountsChanged(() => this.users.accountsChanged())
    const { users, bans } = this
    const wills = new WillRights({ users, bans, authorization, refusals, clock })
    this.broker = new Broker({
      store,
      clock,
      counters,
      limits,
      shareStrategy: options.shareStrategy ?? "round-robin",
      mayPublishWill: (will) => wills.mayPublish(will),
      meetWillPublishers: (publishers) => this.users.recall(publishers, options.onlyAccounts !== true),
      bug: (error) => void this.#bugs.push(String(error)),
    })
    if (trail !== undefined) {
      this.broker.hook.onEvent("client-refused", (refused) => {
        if (refused.hasAsked) trail.loginRefused(refused)
      })
    }
    const storeGate = new StoreGate(store)
    const topics = new TopicTable(topicLimits)
    const surroundings: ConnectionSurroundings = {
      broker: this.broker,
      authorization,
      users: this.users,
      refusals,
      logins: new LoginGuard({ ...usualLoginLimits, ...options.logins }, clock),
      bans: this.bans,
      quotas: new UserQuotas(this.users),
      admissions: new Slices((run) => void this.#soon.push(run)),
      limits,
      topicLimits,
      packetBounds: {
        userProperties: limits.userPropertiesPerPacket,
        filters: limits.subscriptionsPerPacket,
      },
      publishReader: new PublishReader(topics, limits.userPropertiesPerPacket),
      publishRun: new PublishRun(topics, limits.userPropertiesPerPacket),
      clock,
      counters,
      log,
      turn: new Turn(clock, (run) => void this.#soon.push(run)),
      get storeIsBehind() {
        return store.mood === "behind"
      },
      whenStoreCaughtUp: (resume) => storeGate.wait(resume),
    }
    this.acceptor = new Acceptor(surroundings)
    this.entrance = {
      url: "tcp://127.0.0.1:1883",
      authentication: new AuthenticationChain([options.authenticator ?? everybody], options.exchanges),
      limits: {
        connections: undefined,
        connectionRate: undefined,
        messagesPerSecond: undefined,
        ...options.entrance,
      },
    }
  }

  /** Somebody opens a Network Connection, and has said nothing yet. */
  client(
    clientId: string,
    { version = 5, remoteAddress, output, certificate }: TestClientOptions = {},
  ): ScriptedClient {
    const socket = new MemorySocket(this.acceptor.accept(this.entrance), {
      turn: this.#turn,
      limits: output ?? this.#output,
      ...(remoteAddress !== undefined && { remoteAddress }),
      ...(certificate !== undefined && { peerCertificate: certificate }),
    })
    const client = new ScriptedClient(version, clientId, socket, () => this.settle())
    this.#clients.push(client)
    return client
  }

  /** Somebody connects, with a clean start unless told, and has taken his CONNACK. */
  async connected(
    clientId: string,
    { version = 5, remoteAddress, output, certificate, ...words }: ConnectWords & TestClientOptions = {},
  ): Promise<ScriptedClient> {
    const client = this.client(clientId, {
      version,
      ...(remoteAddress !== undefined && { remoteAddress }),
      ...(output !== undefined && { output }),
      ...(certificate !== undefined && { certificate }),
    })
    await client.connects(words)
    return client
  }

  /** What is left to do in promises, and in slices of `soon`, is done. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) {
      await Promise.resolve()
      if (turn % 10 === 9) this.#endTurn()
    }
  }

  /** Turns the clock, as far as it takes in steps, and lets what follows from it happen. */
  async passes(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1000)
    this.#endTurn()
    await this.settle()
  }

  /** Much time at once: for what takes years, a second at a time is too often. */
  async leaps(seconds: number): Promise<void> {
    this.clock.leap(seconds * 1000)
    this.#endTurn()
    await this.settle()
  }

  /** What was dropped so far, by its reason; reasons without any are left out. */
  get dropped(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(Object.entries(this.counters.dropped).filter(([, count]) => count > 0))
  }

  #endTurn(): void {
    for (const run of this.#soon.splice(0)) run()
    for (const client of this.#clients) client.socket.flush()
    const [bug] = this.#bugs
    if (bug !== undefined) throw new Error(bug)
  }
}
