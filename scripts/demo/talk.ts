/** One message. Its place in the list is part of its clientId: add new ones at the end alone. */
export interface Line {
  by: string
  text: string
  /** A name for it within its room, for those that answer it. */
  as?: string
  /** The named message that it answers. */
  to?: string
  /** What it said before it was edited. */
  was?: string
  pinned?: boolean
  /** Emoji → who gave it, by keys. */
  reactions?: Record<string, string[]>
}

export interface DemoRoom {
  key: string
  name: string
  topic: string
  visibility: 'public' | 'private'
  owner: string
  moderators?: string[]
  members: string[]
  talk: Line[]
  /** How many of the last messages these people have not read. */
  unread: Record<string, number>
}

export interface DemoConversation {
  key: string
  between: [string, string]
  talk: Line[]
  unread: Record<string, number>
}
