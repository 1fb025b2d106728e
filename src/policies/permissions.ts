/** The roles that are there from the start and stay. */
export const standardRoles = {
  admin: 'Runs the service: may do everything',
  moderator: 'Moderates what people make and deals with reported content',
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

type Verb = 'read' | 'delete' | 'moderate'

/**
 * What people make: the rights over others' things of the kind that there are, and which of them moderators get from the
 * start. A right stands here only where something asks for it: comments, pictures and profiles are for everybody to see,
 * so nothing asks for leave to see them all.
 */
const things: [resource: string, plural: string, rights: Verb[], moderatorGets: Verb[]][] = [
  ['Comment', 'comments', ['delete'], ['delete']],
  ['AudioFile', 'audio files', ['read', 'delete', 'moderate'], ['read', 'delete', 'moderate']],
  ['Image', 'pictures', ['delete'], ['delete']],
  ['Playlist', 'playlists', ['read', 'delete', 'moderate'], ['read', 'delete', 'moderate']],
  ['Project', 'projects', ['read', 'delete', 'moderate'], ['read', 'moderate']],
  ['Profile', 'profiles', ['moderate'], ['moderate']],
  // What people say among themselves in private stays there; what is public can be taken down.
  ['ChatMessage', 'chat messages in public rooms', ['delete'], ['delete']],
  ['ChatRoom', 'public chat rooms', ['moderate'], ['moderate']],
]

const verbs: Record<Verb, (plural: string) => string> = {
  read: (plural) => `See all ${plural}, private ones too`,
  delete: (plural) => `Delete anybody’s ${plural}`,
  moderate: (plural) => `Change anybody’s ${plural}`,
}

const single = (action: string, resource: string, description: string, moderator: boolean): StandardPermission => ({
  action,
  resource,
  description,
  moderator,
})

/** The permissions that the server asks for; admins hold them all, moderators those marked. */
export const standardPermissions: StandardPermission[] = [
  ...things.flatMap(([resource, plural, rights, moderatorGets]) =>
    rights.map((action) => single(action, resource, verbs[action](plural), moderatorGets.includes(action))),
  ),
  single('moderate', 'Report', 'See all reports and deal with them', true),
  single('manage', 'Tag', 'Rename and delete tags', true),
  single('read', 'User', 'See the accounts, without their e-mail addresses', true),
  single('manage', 'User', 'Change, suspend and reinstate accounts', false),
  single('manage', 'Role', 'Change roles and permissions, and who has which, within one’s own', false),
  single('read', 'AuditLog', 'Read the audit log', false),
  single('manage', 'MetricType', 'Make, change and delete measures', false),
  single('manage', 'AudioFileReport', 'Change reports on audio files', false),
  single('manage', 'Booking', 'See and change anybody’s bookings', false),
]
