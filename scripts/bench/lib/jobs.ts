/** What the bench asks of a load client, and what it answers. They talk over the child process' channel. */

export interface SocketPlan {
  url: string
  auth: unknown
}

interface Job {
  /** All processes of the server under test: their CPU is read over the measured window. */
  serverPids: number[]
  /** mongod and redis-server, read likewise. */
  storePids: number[]
  sockets: SocketPlan[]
}

/** Closed loop: socket i sends to rooms[i], one message outstanding each. */
export interface AcksJob extends Job {
  kind: 'acks'
  rooms: string[]
  warmMs: number
  /** Goes on warming up until so many are acked, for a minute at most. */
  warmAcks?: number
  measureMs: number
}

/** A room's members; a few of them send: first with a full window, then at a pace. */
export interface DeliveriesJob extends Job {
  kind: 'deliveries'
  roomId: string
  senders: number
  window: number
  rate: number
  warmMs: number
  measureMs: number
  pacedMs: number
}

/** Idle connections: resident bytes before and after. */
export interface MemoryJob extends Job {
  kind: 'memory'
  warmSockets: number
  settleMs: number
}

/** All cut at once, all back at once, each brought up to date. */
export interface ReconnectJob extends Job {
  kind: 'reconnect'
  cause: 'cut' | 'kill'
  /** The first so many of `sockets` keep on sending, to rooms[i]. */
  writers: number
  rooms: string[]
  /** Whether the server knows `log:sync`. */
  sync: boolean
}

/** The same closed loop through stock socket.io-client, to see that the figures agree in kind. */
export interface StockJob extends Job {
  kind: 'stock'
  rooms: string[]
  warmMs: number
  measureMs: number
}

export type LoadJob = AcksJob | DeliveriesJob | MemoryJob | ReconnectJob | StockJob

export interface WindowFigures {
  seconds: number
  /** Of one core, in percent. */
  clientCpu: number
  serverCpu: number
  storeCpu: number
  /** What other programs took of the machine meanwhile: above 20 the figures are not to be quoted. */
  othersCpu: number
  /** The client used over 85 % of a core and more than the server: the figure is a lower bound. */
  clientSaturated: boolean
}

export interface AcksFigures extends WindowFigures {
  perSecond: number
  /** Of all server processes: it hardly changes when other programs take the cores, unlike the rate. */
  cpuMicrosPerAck: number
  p50: number
  p99: number
  max: number
}

export interface DeliveriesFigures {
  saturated: WindowFigures & {
    perSecond: number
    messagesPerSecond: number
    bytesPerDelivery: number
    cpuMicrosPerDelivery: number
  }
  paced: WindowFigures & {
    perSecond: number
    asked: number
    cpuMicrosPerDelivery: number
    p50: number
    p99: number
    max: number
  }
  /** Deliveries that never came, after a wait. */
  missing: number
}

export interface MemoryFigures {
  sockets: number
  idleBytes: number
  settledBytes: number
  collectedBytes: number
  /** After a collection, the idle process' bytes taken off. */
  bytesPerConnection: number
  bytesPerConnectionUncollected: number
  connectSeconds: number
}

export interface ReconnectFigures {
  clients: number
  /** From the first attempt for which a server was there. */
  allReadySeconds: number
  allSyncedSeconds: number
  downSeconds: number
  attempts: number
  acked: number
  anomalies: { lost: number; twice: number; gap: number; reordered: number; invented: number }
}

export type LoadFigures = AcksFigures | DeliveriesFigures | MemoryFigures | ReconnectFigures
