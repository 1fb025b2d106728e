/** Planar PCM; the arrays are of equal length, hold −1 to 1 (more where the file is louder), and stay valid until the next pull. */
export interface PcmChunk {
  channels: Float32Array[]
  frames: number
}

export interface PcmFormat {
  sampleRate: number
  channels: number
}

/** What the file is. `headerSeconds` is the length that its header claims, null where it claims none. */
export interface DecodedInfo extends PcmFormat {
  container: string
  codec: string
  headerSeconds: number | null
}

/** What came of a decoding. `complete` is false, and `problem` says why, where sound is missing or damaged. */
export interface DecodeResult {
  frames: number
  seconds: number
  complete: boolean
  problem: string | null
}

export interface Decoder {
  info: DecodedInfo
  /** Decodes once, from the beginning. Throws DecodeError where a limit is reached. */
  chunks(): AsyncIterable<PcmChunk>
  /** Of what was pulled so far; final once `chunks()` has ended. */
  result(): DecodeResult
  close(): Promise<void>
}

/** Bounds of one decoding. */
export interface DecodeLimits {
  /** Longest sound. */
  maxSeconds: number
  /** Most samples, over all channels. */
  maxSamples: number
  /** Most of the processor's time that decoding, and what the caller does between the chunks, may take. */
  timeMs: number
  signal?: AbortSignal
}

/** 6 hours of stereo at 48 kHz. */
export const standardLimits: DecodeLimits = {
  maxSeconds: 6 * 3600,
  maxSamples: 6 * 3600 * 48_000 * 2,
  timeMs: 10 * 60_000,
}

/** Channels beyond these are not decoded: the file is refused. */
export const MAX_CHANNELS = 8

export type DecodeReason =
  /** Nothing is in the file. */
  | 'empty'
  /** No format, or no codec, that is known here. */
  | 'unsupported'
  /** A known format, but broken before any sound. */
  | 'malformed'
  /** A whole header, but no sound behind it. */
  | 'no_audio'
  | 'too_long'
  | 'timeout'
  | 'cancelled'
  /** The decoder wanted more memory than it may have. */
  | 'memory'
  /** The file system refused. */
  | 'unreadable'

/** Why a file could not be decoded, or not further. */
export class DecodeError extends Error {
  readonly reason: DecodeReason

  constructor(reason: DecodeReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DecodeError'
    this.reason = reason
  }
}

/** What one format's reader offers to `openDecoder`, which bounds, trims and judges it. */
export interface PcmSource extends PcmFormat {
  container: string
  codec: string
  /** Frames that the file claims to hold after trimming, null where it claims none. */
  claimedFrames: number | null
  /** Frames by which an honest encoder's claim may be off. */
  tolerance: number
  /** Frames to leave out at the beginning, and to give after them at most. */
  lead: number
  keep: number
  /** The next frames; null at the end. Throws DecodeError. */
  next(): PcmChunk | null
  /** After the end: what was found wrong on the way, null for nothing. */
  problem(): string | null
  close(): void
}
