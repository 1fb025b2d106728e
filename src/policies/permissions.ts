/** The roles that are there from the start and stay. */
export const standardRoles = {
  admin: 'Runs the service: may do everything',
  moderator: 'Moderates comments and deals with reported content',
  user: 'Takes part',
} as const
export type StandardRole = keyof typeof standardRoles

export interface StandardPermission {
  action: string
  resource: string
  description: string
  /** Whether moderators get it from the start. */
  moderator: boolean
}

/** What people make, and which of the three rights over others' things of the kind moderators get from the start. */
const things: [resource: string, plural: string, moderatorGets: ('read' | 'delete' | 'moderate')[]][] = [
  ['Comment', 'comments', ['read', 'delete', 'moderate']],
  ['AudioFile', 'audio files', ['read', 'delete', 'moderate']],
  ['Image', 'pictures', ['read', 'delete', 'moderate']],
  ['Playlist', 'playlists', ['read', 'delete', 'moderate']],
  ['Project', 'projects', ['read', 'moderate']],
  ['Profile', 'profiles', ['read', 'moderate']],
  // What people say among themselves in private stays there; what is public can be taken down.
  ['ChatMessage', 'chat messages', ['delete', 'moderate']],
  ['ChatRoom', 'chat rooms', ['moderate']],
]

const verbs = {
  read: (plural: string) => `See all ${plural}, private ones too`,
  delete: (plural: string) => `Delete anybody’s ${plural}`,
  moderate: (plural: string) => `Change anybody’s ${plural}`,
}

const single = (action: string, resource: string, description: string, moderator: boolean): StandardPermission => ({
  action,
  resource,
  description,
  moderator,
})

/** The permissions that the server asks for; admins hold them all, moderators those marked. */
export const standardPermissions: StandardPermission[] = [
  ...things.flatMap(([resource, plural, moderatorGets]) =>
    (['read', 'delete', 'moderate'] as const).map((action) =>
      single(action, resource, verbs[action](plural), moderatorGets.includes(action)),
    ),
  ),
  single('moderate', 'Report', 'See all reports and deal with them', true),
  single('manage', 'Tag', 'Rename and delete tags', true),
  single('read', 'User', 'See the accounts, without their e-mail addresses', true),
  single('manage', 'User', 'Change, suspend and reinstate accounts', false),
  single('manage', 'Role', 'Change roles and permissions, and who has which, within one’s own', false),
  single('read', 'AuditLog', 'Read the audit log', false),
  single('manage', 'MetricType', 'Make, change and delete measures', false),
  single('manage', 'AudioFileMetricValue', 'Write and delete values of measures', false),
  single('manage', 'AudioFileReport', 'Change reports on audio files', false),
  single('manage', 'Booking', 'See and change anybody’s bookings', false),
]
