import { Authenticators } from "./authenticators.ts"
import { Broker } from "./broker/broker.ts"
import { SysTopics } from "./broker/sys-topics.ts"
import { isVouchedFor } from "./config/idle-settings.ts"
import { reloadedSections } from "./config/schema.ts"
import type { ListenerSettings, Settings } from "./config/settings.ts"
import { Acceptor } from "./connection/acceptor.ts"
import type { Entrance } from "./connection/entrance.ts"
import { Slices } from "./connection/slices.ts"
import { StoreGate } from "./connection/store-gate.ts"
import { Turn } from "./connection/turn.ts"
import type { ConnectionSurroundings } from "./connection/surroundings.ts"
import { DistrustedClients } from "./distrusted-clients.ts"
import { DropLedger } from "./drop-ledger.ts"
import { type Clock, MachineClock, systemClock } from "./foundation/clock.ts"
import { newCounters } from "./foundation/counters.ts"
import type { Log } from "./foundation/log.ts"
import { quieterLog } from "./foundation/quieter-log.ts"
import { type ManagementSocket, openManagementSocket } from "./management/management-socket.ts"
import type { ManagementSurroundings } from "./management/surroundings.ts"
import { PublishReader } from "./protocol/publish-reader.ts"
import { PublishRun } from "./protocol/publish-run.ts"
import { ReasonCode } from "./protocol/reason-code.ts"
import { TopicTable } from "./protocol/topic-table.ts"
import { accessRuleText } from "./security/access/access-rule.ts"
import { AccessRules } from "./security/access/access-rules.ts"
import { AuthorizationChain, superusersMayAll, sysTopicsAreOurs } from "./security/access/authorization.ts"
import { Bans } from "./security/guard/bans.ts"
import { isThisMachine, sourceOf } from "./security/guard/source-address.ts"
import { LoginGuard } from "./security/guard/login-guard.ts"
import { OnlineUsers } from "./security/online-users.ts"
import { NumberedRules } from "./security/access/numbered-rules.ts"
import { RefusalReasons } from "./security/access/refusal-reasons.ts"
import { RefusalTrail } from "./security/access/refusal-trail.ts"
import type { UnusableListener } from "./security/access/rule-book.ts"
import { followStoredBans } from "./security/guard/stored-bans.ts"
import { followStoredRules, type NumberedRule } from "./security/access/stored-access-rules.ts"
import { UserQuotas } from "./security/guard/user-quotas.ts"
import { WillRights } from "./security/will-rights.ts"
import { fileSizes } from "./storage/health.ts"
import { openStore } from "./storage/open-store.ts"
import type { Store } from "./storage/store.ts"
import { listen } from "./transport/listen.ts"
import type { Accept, Listener, PreparedReload } from "./transport/socket.ts"
import { watchBroker } from "./watch-broker.ts"
import { type InheritedSockets, socketNameText } from "./system/inherited-sockets.ts"
import { watchCertificates } from "./watch-certificates.ts"
import { watchStore } from "./watch-store.ts"

export interface ServerOptions {
  readonly log: Log
  readonly version: string
  /** Set a damaged store aside and keep what can be read of it. */
  readonly recover?: boolean
  readonly clock?: Clock
  /** Taken where they are bound at an address of the settings. */
  readonly inherited?: InheritedSockets
}

/** A broker that serves. */
export interface Server {
  /** The real addresses, in the order of the settings. */
  readonly urls: readonly string[]
  /** Resolves with what happened when the store is lost: whoever started the broker is to stop it, and say so. */
  readonly broken: Promise<string>
  /** Says goodbye to the clients, writes what waits, and lets go of everything. */
  stop(): Promise<void>
  /**
   * Takes over what can change while it serves: certificates, keys of tokens, and the level of the log, which is the caller's.
   * When one file is no good, all stays as it was.
   *
   * @returns the sections of the settings that differ and need a restart
   */
  reload(settings: Settings): Promise<readonly string[]>
}

/**
 * Builds the house from the ground up, and opens its doors last.
 *
 * @throws ListenError an address cannot be listened on
 * @throws StoreError the store is damaged, foreign, or served by another process
 * @throws AccessRuleError, BanError a rule or a ban in the store cannot be read
 * @throws TokenKeyError the keys of tokens cannot be read
 */
export async function startServer(settings: Settings, options: ServerOptions): Promise<Server> {
  const { version } = options
  const log = quieterLog(options.log, options.clock ?? systemClock)
  /** Of all that is built, the last first: run through when the broker stops, or when something cannot be built. */
  await using ends = new AsyncDisposableStack()
  ends.defer(() => log.close())
  const { store, recovered, nowMs } = await openStore(
    settings.storage.ephemeral
      ? { kind: "memory" }
      : {
          kind: "sqlite",
          directory: settings.storage.directory,
          durability: settings.storage.durability,
          recover: options.recover ?? false,
        },
    options.clock ?? systemClock,
    log,
  )
  ends.defer(() => store.close())
  const clock = options.clock ?? (nowMs === undefined ? systemClock : new MachineClock(nowMs))
  if (recovered !== undefined) log.warn("the store was damaged; this was saved of it", { ...recovered })
  const broken = Promise.withResolvers<string>()
  store.onMood((mood, why) => {
    if (mood === "lost") broken.resolve(why)
  })
  const managed: { by?: ManagementSocket } = {}
  // What somebody is changing may have to wait for all that is closed before.
  ends.defer(() => managed.by?.settled())
  const surroundings = await furnish(settings, store, clock, log, ends)
  const acceptor = new Acceptor(surroundings)
  ends.defer(() => acceptor.close(farewellOf(settings)))
  const sysTopics = new SysTopics(surroundings.broker, clock, settings.mqtt.sysIntervalSeconds, version)
  ends.defer(() => sysTopics.close())
  sysTopics.start()
  const authenticators = await Authenticators.of(settings, store.accounts, clock, log)
  const distrusted = new DistrustedClients(acceptor, log)
  const listeners: Listener[] = []
  for (const each of settings.listeners) {
    const entrance = entranceOf(each, authenticators)
    const listener = await open(each, settings, acceptor.accept(entrance), surroundings, options.inherited)
    ends.defer(() => listener.stop())
    listeners.push(listener)
    distrusted.opened(listener, entrance)
  }
  for (const name of options.inherited?.left ?? []) {
    log.warn("a socket was opened for us at an address that listen does not name; nobody is served there", {
      address: socketNameText(name),
    })
  }
  const urls = listeners.map(({ url }) => url)
  const management = await openManagement(settings, store, {
    broker: surroundings.broker,
    acceptor,
    sysTopics,
    clock,
    log,
    version,
    urls,
  })
  if (management !== undefined) {
    managed.by = management
    ends.defer(() => management.stop())
  }
  const watch = watchCertificates(listeners, clock, log, (listener) => void distrusted.reloaded(listener))
  ends.defer(() => watch.cancel())
  const all = ends.move()
  return {
    urls,
    broken: broken.promise,
    stop: () => all.disposeAsync(),
    reload: async (changed) => {
      takeOver(authenticators, listeners)
      for (const listener of listeners) await distrusted.reloaded(listener)
      return sectionsThatDiffer(settings, changed)
    },
  }
}

function farewellOf({ mqtt }: Settings): ReasonCode {
  return mqtt.serverReference === undefined ? ReasonCode.serverShuttingDown : ReasonCode.useAnotherServer
}

type Shown = Pick<
  ManagementSurroundings,
  "broker" | "acceptor" | "sysTopics" | "clock" | "version" | "urls"
> & { readonly log: Log }

/** @returns undefined where the settings want none */
async function openManagement(
  { management, storage, limits, mqtt }: Settings,
  store: Store,
  { log, ...shown }: Shown,
): Promise<ManagementSocket | undefined> {
  if (management.tooLong !== undefined) {
    log.warn("there is no admin socket, for a socket's path has less than 108 bytes; name a shorter one", {
      path: management.tooLong,
      setting: "management.socket",
    })
  }
  if (management.socket === undefined) return undefined
  const surroundings: ManagementSurroundings = {
    ...shown,
    accounts: store.accounts,
    directory: storage.ephemeral ? undefined : storage.directory,
    durability: storage.durability,
    limits: {
      connections: limits.connections,
      subscriptionsPerClient: limits.subscriptionsPerClient,
      maximumQos: mqtt.maximumQos,
      sharedSubscriptions: mqtt.sharedSubscriptionsAvailable,
      wildcardSubscriptions: mqtt.wildcardSubscriptionsAvailable,
      topics: { maximumBytes: limits.topicBytes, maximumLevels: limits.topicLevels },
    },
    get storeMood() {
      return store.mood
    },
    storeFiles: () => (storage.ephemeral ? [] : fileSizes(storage.directory)),
  }
  return openManagementSocket(management.socket, surroundings, log)
}

/** Everything behind the doors. @param ends takes how each of it ends */
async function furnish(
  settings: Settings,
  store: Store,
  clock: Clock,
  log: Log,
  ends: AsyncDisposableStack,
): Promise<ConnectionSurroundings> {
  const { guard, limits, mqtt } = settings
  const bringRules = settings.jwt !== undefined || settings.httpAuthentication !== undefined
  const complain: UnusableListener = (rule, { clientId, username }) => {
    log.warn("a name that fits no placeholder", {
      client: clientId,
      user: username,
      rule: accessRuleText(rule),
    })
  }
  const { defaultAccess, wideSubscriptions } = settings.security
  const rules = new AccessRules(defaultAccess, complain, bringRules, wideSubscriptions)
  const soon = (run: () => void): void => void setImmediate(run)
  const reasons = new RefusalReasons(defaultAccess, soon, wideSubscriptions)
  const drops = new DropLedger(store.drops, clock, log)
  ends.defer(() => drops.close())
  const refusals = new RefusalTrail(store.accounts, reasons, clock, log)
  ends.defer(() => refusals.close())
  const number = (read: readonly NumberedRule[]): void => void (reasons.rules = new NumberedRules(read))
  const followedRules = await followStoredRules(store, rules, clock, log, number)
  ends.defer(() => followedRules.cancel())
  const bans = new Bans()
  const followedBans = await followStoredBans(store, bans, clock, log)
  ends.defer(() => followedBans.cancel())
  const users = new OnlineUsers(store.accounts, clock, log)
  ends.defer(() => users.close())
  store.onAccountsChanged(() => users.accountsChanged())
  const authorization = new AuthorizationChain([sysTopicsAreOurs, superusersMayAll, rules], true)
  const topicLimits = { maximumBytes: limits.topicBytes, maximumLevels: limits.topicLevels }
  const counters = newCounters()
  const othersVouch = settings.listeners.some((each) => isVouchedFor(each, settings))
  const wills = new WillRights({ users, bans, authorization, refusals, clock })
  const broker = new Broker({
    store,
    clock,
    counters,
    limits: {
      queuedMessages: limits.queuedMessages,
      queuedBytes: limits.queuedBytes,
      whenFull: limits.whenQueueFull,
      windowMessages: limits.queueWindow,
      retainedMessages: limits.retainedMessages,
      retainedBytes: limits.retainedBytes,
      sessionExpiryMaximumSeconds: mqtt.sessionExpiryMaximumSeconds,
    },
    shareStrategy: mqtt.sharedSubscriptionStrategy,
    mayPublishWill: (will) => wills.mayPublish(will),
    meetWillPublishers: (publishers) => users.recall(publishers, othersVouch),
    bug: (error) => log.error("a bug in Bantam", { error: describeError(error) }),
  })
  const watch = watchBroker(broker, clock, log)
  ends.defer(() => watch.close())
  ends.defer(() => broker.close())
  watchStore(store, counters, log)
  drops.listen(broker.hook)
  broker.hook.onEvent("client-refused", (refused) => {
    if (refused.hasAsked) refusals.loginRefused(refused)
  })
  await broker.restore()
  const storeGate = new StoreGate(store)
  const topics = new TopicTable(topicLimits)
  return {
    broker,
    authorization,
    users,
    refusals,
    logins: new LoginGuard(
      {
        failures: guard.failedLogins,
        failuresOfAddress: guard.failedLoginsPerAddress,
        windowMs: guard.windowSeconds * 1000,
        longestWaitMs: guard.longestWaitSeconds * 1000,
      },
      clock,
    ),
    bans,
    quotas: new UserQuotas(users),
    admissions: new Slices(soon),
    limits: {
      ...limits,
      connectionRatePerAddress: guard.connectionRatePerAddress,
      halfOpen: guard.halfOpen,
      halfOpenPerAddress: guard.halfOpenPerAddress,
      connectTimeoutMs: limits.connectTimeoutSeconds * 1000,
      maximumQos: mqtt.maximumQos,
      retainAvailable: mqtt.retainAvailable,
      wildcardSubscriptionAvailable: mqtt.wildcardSubscriptionsAvailable,
      sharedSubscriptionAvailable: mqtt.sharedSubscriptionsAvailable,
      keepAliveMaximumSeconds: mqtt.keepAliveMaximumSeconds,
      sessionExpiryMaximumSeconds: mqtt.sessionExpiryMaximumSeconds,
      messageExpiryMaximumSeconds: mqtt.messageExpiryMaximumSeconds,
      refusedPublish: settings.security.refusedPublish,
      responseInformation: mqtt.responseInformation ?? "",
      serverReference: mqtt.serverReference ?? "",
    },
    topicLimits,
    packetBounds: { userProperties: limits.userPropertiesPerPacket, filters: limits.subscriptionsPerPacket },
    publishReader: new PublishReader(topics, limits.userPropertiesPerPacket),
    publishRun: new PublishRun(topics, limits.userPropertiesPerPacket),
    clock,
    counters,
    log,
    turn: new Turn(clock, soon),
    get storeIsBehind() {
      return store.mood === "behind"
    },
    whenStoreCaughtUp: (resume) => storeGate.wait(resume),
  }
}

/**
 * Reads keys and certificates again, and takes over all of them or, when one is no good, none.
 *
 * @throws TokenKeyError, ListenError
 */
function takeOver(authenticators: Authenticators, listeners: readonly Listener[]): void {
  const takeKeys = authenticators.readAgain()
  const prepared: PreparedReload[] = []
  try {
    for (const listener of listeners) {
      const reload = listener.prepareReload?.()
      if (reload !== undefined) prepared.push(reload)
    }
  } catch (error) {
    for (const reload of prepared) reload.drop()
    throw error
  }
  takeKeys()
  for (const reload of prepared) reload.take()
}

function entranceOf(listener: ListenerSettings, authenticators: Authenticators): Entrance {
  return {
    url: listener.url,
    authentication: authenticators.chainOf(listener),
    limits: {
      connections: listener.maxConnections,
      connectionRate: listener.maxConnectionRate,
      messagesPerSecond: listener.messagesPerSecond,
    },
  }
}

async function open(
  listener: ListenerSettings,
  settings: Settings,
  accept: Accept,
  { counters, log }: Pick<ConnectionSurroundings, "counters" | "log">,
  inherited: InheritedSockets | undefined,
): Promise<Listener> {
  const { paths, origins } = settings.websocket
  return listen(listener.address, listener.tls, accept, {
    onBug: (error) => log.error("a bug ended a connection", { error: describeError(error) }),
    output: { highWaterBytes: settings.limits.writeBufferBytes },
    handshakeTimeoutMs: settings.limits.connectTimeoutSeconds * 1000,
    paths,
    ...(origins === undefined ? {} : { origins }),
    onRefused: (address, at, why) => {
      counters.greetingsRefused += 1
      log.warn(`${at} refused`, { address, why })
    },
    proxyProtocol: listener.proxyProtocol,
    ...(inherited === undefined ? {} : { inherited }),
    greetings: {
      most: settings.guard.halfOpen,
      mostOfSource: settings.guard.halfOpenPerAddress,
      // A proxy stands for everybody, as this machine may.
      sourceOf: (address) =>
        listener.proxyProtocol || isThisMachine(address) ? undefined : sourceOf(address),
    },
  })
}

function sectionsThatDiffer(before: Settings, after: Settings): string[] {
  const sections = Object.keys(before) as (keyof Settings)[]
  return sections.filter(
    (section) => !reloadedSections.has(section) && !Bun.deepEquals(before[section], after[section]),
  )
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
