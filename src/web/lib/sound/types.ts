import type { Id, Timestamp } from '../../../client/protocol.ts'

/** Recordings and what belongs to them, as REST answers them. */

export const visibilities = ['public', 'unlisted', 'private', 'draft'] as const
export type Visibility = (typeof visibilities)[number]

export interface AudioFile {
  id: Id
  userId: Id
  title: string
  description?: string
  /** Seconds; known once the recording is analysed. */
  duration?: number
  visibility: Visibility
  createdAt: Timestamp
  mimeType?: string
  sizeBytes?: number
  tags?: string[]
}

export interface Playlist {
  id: Id
  ownerId: Id
  name: string
  description?: string
  isPublic: boolean
  createdAt: Timestamp
}

export interface Comment {
  id: Id
  authorId: Id
  content: string
  createdAt: Timestamp
  atSeconds?: number
}

export interface WaveformData {
  channels: number
  sampleRate: number
  samplesPerPoint: number
  length: number
  /** Of each point and in it of each channel the lowest and the highest sample, -128 to 127. */
  data: number[]
}

export interface AiAnalysis {
  id: Id
  tempo?: number
  key?: string
  genre?: string
  confidence?: number
  /** Whatever the program found; read with care, as bots write it, too. */
  metadata?: unknown
  modelVersion: string
  analyzedAt: Timestamp
}

export interface ListenerAnalysis {
  id: Id
  userId: Id
  description?: string
  mood?: string
  genre?: string
  instruments?: string[]
}

export interface MetricValue {
  id: Id
  metricTypeId: Id
  value?: unknown
  additionalInfo?: unknown
}

export interface MetricType {
  id: Id
  name: string
  description?: string
  status: string
}

export interface AudioReport {
  id: Id
  notes?: string
  aiAnalyses?: AiAnalysis[]
  userAnalyses?: ListenerAnalysis[]
  metricValues?: MetricValue[]
}
