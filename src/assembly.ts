import type { Server } from 'socket.io'
import { entities } from '../models/index.ts'
import { Project } from '../models/Project.ts'
import { createAnalysisPool } from './audio/workers/pool.ts'
import { type BoardTimes, createBoards } from './boards/boards.ts'
import { initialUpdate } from './boards/template.ts'
import type { Config } from './config.ts'
import type { Database } from './infra/mongo.ts'
import { createPushSender, type PushOptions } from './infra/push-sender.ts'
import type { Vapid } from './infra/secret.ts'
import { jobs as jobDefinitions } from './jobs/index.ts'
import { channels as audiences } from './kernel/channels.ts'
import type { Bus, ChannelBus, Emitter, Logger, Mailer } from './kernel/ports.ts'
import type { RateLimiter } from './kernel/rate.ts'
import type { ObjectStorage } from './kernel/storage.ts'
import { createLog } from './log/log.ts'
import { createLogStore } from './log/store.ts'
import { createAudience, listenerOf } from './realtime/audience.ts'
import { createEmitter } from './realtime/emitter.ts'
import { createAccounts } from './services/accounts/accounts.ts'
import { createClosing } from './services/accounts/closing.ts'
import { analysesAtOnce, createAnalyser } from './services/analysis/analyser.ts'
import { createAnalysis } from './services/analysis/analysis.ts'
import { createAuditLogs } from './services/audit-logs.ts'
import { createProjectBoards } from './services/boards/boards.ts'
import { createBookings } from './services/bookings/bookings.ts'
import { createAnchors } from './services/chat/anchors.ts'
import { createRoomKind } from './services/chat/kind.ts'
import { createMessages } from './services/chat/messages.ts'
import { createRooms } from './services/chat/rooms.ts'
import { createSearch } from './services/chat/search.ts'
import { createRoomSignals } from './services/chat/signals.ts'
import { createSlowMode } from './services/chat/slow-mode.ts'
import { createSyncing } from './services/chat/sync.ts'
import { createDeletion } from './services/deletion.ts'
import { createDirect } from './services/direct/direct.ts'
import { createDirectKind } from './services/direct/kind.ts'
import { createExport } from './services/export.ts'
import { createFiles } from './services/files/files.ts'
import type { Services } from './services/index.ts'
import { createJobs } from './services/jobs.ts'
import { createSharedClock } from './services/listening/clock.ts'
import { createListening } from './services/listening/listening.ts'
import { createMarks } from './services/marks.ts'
import { createMatching } from './services/matching/matching.ts'
import { createSimilar } from './services/matching/similar.ts'
import { createMemberships } from './services/memberships.ts'
import { createMetricTypes } from './services/metric-types.ts'
import { createBursts } from './services/notifications/bursts.ts'
import { createNotificationMails } from './services/notifications/mails.ts'
import { createNotifications } from './services/notifications/notifications.ts'
import { newsPlace } from './services/notifications/place.ts'
import { createPushes } from './services/notifications/pushes.ts'
import { createReading } from './services/notifications/reading.ts'
import { createPeople } from './services/people.ts'
import { createPlaylists } from './services/playlists/playlists.ts'
import { createPresence } from './services/presence/presence.ts'
import { createProjects } from './services/projects/projects.ts'
import { createReports } from './services/reports.ts'
import { createPermissionAdmin } from './services/rights/permissions.ts'
import { createRolePermissions } from './services/rights/role-permissions.ts'
import { createRoleAdmin } from './services/rights/roles.ts'
import { createUserRoles } from './services/rights/user-roles.ts'
import { conversationSides, isConversation } from './services/shared/conversation.ts'
import { createAudioTags } from './services/social/audio-tags.ts'
import { createComments } from './services/social/comments.ts'
import { createFollows } from './services/social/follows.ts'
import { createLikes } from './services/social/likes.ts'
import { createMatches } from './services/social/matches.ts'
import { createTags } from './services/tags.ts'
import { createTyping } from './services/typing.ts'

/** A part to be ended, in the reverse order of their start. */
export interface Stop {
  name: string
  stop(): Promise<unknown> | unknown
}

/** What the services stand on. */
export interface Ground {
  config: Config
  database: Database
  bus: Bus
  channels: ChannelBus
  mailer: Mailer
  limiter: RateLimiter
  secrets: string[]
  /** What pushes to browsers are signed with. */
  vapid: Vapid
  storage: ObjectStorage
  /** Sockets to emit to; one that never listens speaks to the other instances alone. */
  io: Server
  logger: Logger
  /** bcrypt's cost, lower in tests. */
  passwordCost?: number
  /** Other times of presence than the standard ones, in milliseconds: for tests. */
  presence?: Parameters<typeof createPresence>[0]['times']
  /** Other times of boards than the standard ones: for tests. */
  boards?: Partial<BoardTimes>
  /** The program that analyses sound, bundled already: for tests. */
  audioWorker?: string | undefined
  /** How long notifications are collected for one mail, in milliseconds: for tests. */
  digestMs?: number | undefined
  /** What stands in for the open net when pushes are sent: for tests. */
  push?: PushOptions | undefined
}

/** Builds the services from each other, the same for the server and for commands; adds to `stops` what must be ended. */
export function assembleServices(ground: Ground, stops: Stop[]) {
  const { config, database, bus, channels, mailer, limiter, secrets, storage, io, logger } = ground
  const accounts = createAccounts({
    database,
    bus,
    mailer,
    log: logger,
    limiter,
    secrets,
    config,
    passwords: ground.passwordCost === undefined ? undefined : { cost: ground.passwordCost },
  })
  stops.push({ name: 'accounts', stop: () => accounts.close() })

  const emitter: Emitter = createEmitter(io, bus)
  const audience = createAudience(
    io,
    () => log as never,
    (socket, logId) => services.listening.greet(listenerOf(socket), [logId]),
  )
  const marks = createMarks({ database })
  const people = createPeople({ database, bus })
  const memberships = createMemberships({ database, logger })
  const typing = createTyping({ emitter })
  stops.push({ name: 'typing', stop: () => typing.close() })
  const roomKind = createRoomKind({ database, marks, emitter, audience })
  const directKind = createDirectKind({ marks, emitter, audience })
  const log = createLog({
    store: createLogStore(database as never),
    bus,
    kindOf: (logId) => (isConversation(logId) ? directKind : roomKind),
    // Put behind the encoded payload: copying it to add a field would cost more than encoding it.
    encode: (event, payload, prevRev) => `${emitter.encode(event, payload).slice(0, -2)},"prevRev":${prevRev}}]`,
    log: logger,
  })
  stops.push({ name: 'log', stop: () => log.close() })

  const boards = createBoards({
    database,
    channels,
    logger,
    maxBytes: config.maxBoardBytes,
    async initial(projectId) {
      const project = await database.collection(Project).findOne({ _id: projectId }, { projection: { title: 1 } })
      return initialUpdate(project?.title)
    },
    times: ground.boards,
  })
  // After the boards: what they store in the end is told, too.
  stops.push({ name: 'project boards', stop: () => projectBoards.close() })
  stops.push({ name: 'boards', stop: () => boards.close() })

  const presence = createPresence({ database, bus, emitter, people, logger, times: ground.presence })
  stops.push({ name: 'presence', stop: () => presence.close() })
  const jobs = createJobs<Services>({ database, bus, logger, jobs: jobDefinitions, services: () => services })
  const notifications = createNotifications({ database, emitter, jobs, logger, digestMs: ground.digestMs })
  stops.push({ name: 'notifications', stop: () => notifications.close() })
  const notificationMails = createNotificationMails({ database, mailer, notifications, publicUrl: config.publicUrl })
  const pushSender = createPushSender(ground.vapid, ground.push)
  stops.push({ name: 'pushes', stop: () => pushSender.close() })
  const placeOf = (logId: string, userId: string) =>
    newsPlace(logId, isConversation(logId) ? conversationSides(logId).find((side) => side !== userId)! : null)
  const bursts = createBursts({ database, bus, jobs, notifications, placeOf, logger })
  stops.push({ name: 'bursts', stop: () => bursts.close() })
  const reading = createReading({ notifications, logger })
  stops.push({ name: 'reading', stop: () => reading.close() })
  const analysisPool = createAnalysisPool({
    size: analysesAtOnce,
    worker: ground.audioWorker,
    onLog: (line) => logger.warn({ line }, 'an analysis worker says'),
  })
  stops.push({ name: 'analysis pool', stop: () => analysisPool.close() })
  // Before what jobs act through: those under way are handed back first.
  stops.push({ name: 'jobs', stop: () => jobs.close() })
  const onRead = (logId: string, userId: string, readSeq: number, isAll: boolean) =>
    reading.add({ userId, about: placeOf(logId, userId).about, readSeq, isAll })
  const search = createSearch({ database, log, logger })
  stops.push({ name: 'search', stop: () => search.close() })
  const rooms = createRooms({ database, log, bus, people, audit: accounts.audit })
  const slowMode = createSlowMode({ database, logger })
  const { rights, audit } = accounts
  const projects = createProjects({ database, bus, people, logger })
  stops.push({ name: 'projects', stop: () => projects.close() })
  const deletion = createDeletion({ database, jobs, entities })
  projects.onRemains({
    prepare: (id) => deletion.prepare(Project, id),
    remove: (id) => deletion.delete(Project, id),
  })
  const files = createFiles({
    database,
    bus,
    storage,
    deletion,
    audit,
    logger,
    secrets,
    config,
    sessions: accounts.sessions,
  })
  stops.push({ name: 'files', stop: () => files.sweeping.close() })
  const projectBoards = createProjectBoards({
    database,
    live: boards,
    projects,
    people,
    notifications,
    jobs,
    bus,
    emitter,
    logger,
  })
  const analysis = createAnalysis({ database, people })
  const analyser = createAnalyser({
    database,
    storage,
    pool: analysisPool,
    reports: analysis.reports,
    images: files.images,
    jobs,
    emitter,
    logger,
    config,
  })
  stops.push({ name: 'analyser', stop: () => analyser.close() })
  files.audioFiles.onCreated((file) => analyser.queue(file.userId))
  files.audioFiles.onPublic((audioFileId) => emitter.emit(audiences.analysts, 'audio:new', { audioFileId }))
  const audioTags = createAudioTags({ database })
  const matching = createMatching({ database, jobs, notifications, deletion, logger })
  analysis.reports.onRebuilt((audioFileId) => matching.touchRecording(audioFileId))
  for (const source of [accounts.profiles, projects, files.audioFiles, audioTags]) {
    source.onEdited((userId) => matching.touch(userId))
  }
  const messages = createMessages({ database, log, rooms, people, marks, bursts, search, slowMode, audit })
  const clock = createSharedClock({ database, logger })
  const listening = createListening({ database, bus, emitter, rooms, deletion, clock, logger })
  stops.push({ name: 'listening', stop: () => listening.close() })
  const services: Services = {
    accounts,
    people,
    log,
    rooms,
    messages,
    anchors: createAnchors({ database, rooms, presentAll: messages.presentAll }),
    signals: createRoomSignals({ rooms, marks, typing, emitter, onRead }),
    direct: createDirect({ database, log, bus, emitter, people, marks, typing, bursts, onRead }),
    syncing: createSyncing({ log }),
    presence,
    notifications,
    notificationMails,
    bursts,
    jobs,
    boards,
    roles: createRoleAdmin({ database, rights, audit }),
    permissions: createPermissionAdmin({ database, rights, audit }),
    rolePermissions: createRolePermissions({ database, rights, audit }),
    userRoles: createUserRoles({ database, rights, audit, roles: accounts.roles }),
    auditLogs: createAuditLogs({ database }),
    reports: createReports({ database, audit }),
    metricTypes: createMetricTypes({ database, audit }),
    tags: createTags({ database, audit }),
    projects,
    projectBoards,
    likes: createLikes({ database, people, notifications }),
    comments: createComments({ database, people, notifications, deletion, logger }),
    follows: createFollows({ database, people, notifications }),
    playlists: createPlaylists({ database, deletion }),
    audioTags,
    bookings: createBookings({ database, people }),
    analysis,
    analyser,
    matches: createMatches({ database }),
    matching,
    similar: createSimilar({ database, presentAll: files.audioFiles.presentAll }),
    listening,
    pushes: createPushes({ database, jobs, sender: pushSender, logger }),
    storage,
    audioFiles: files.audioFiles,
    uploads: files.uploads,
    images: files.images,
    deletion,
    closing: createClosing({
      database,
      sessions: accounts.sessions,
      roles: accounts.roles,
      rights,
      rooms,
      projects,
      deletion,
      jobs,
    }),
    export: createExport({ database, storage, entities }),
  }

  return { services, emitter, audience, log, marks, memberships, sweeping: files.sweeping }
}
