import { fileTypeFromBuffer } from 'file-type'
import sharp from 'sharp'
import type { ImageDoc } from '../../../models/Image.ts'
import { AppError } from '../../kernel/errors.ts'

/** Pixels of a picture, over all its frames, beyond which it is not decoded: a small file can hold a huge one. */
const mostPixels = 60_000_000
const mostFrames = 400
const mostSeconds = 60

/** Of a picture in the sizes that its use needs; by width, smallest first. */
interface Size {
  width: number
  /** Cut to this height, enlarged where it must be; without it the sides keep their proportion. */
  height?: number
}

const sizesOf: Record<ImageDoc['usageType'], Size[]> = {
  avatar: [64, 128, 256, 512].map((side) => ({ width: side, height: side })),
  banner: [
    { width: 640, height: 213 },
    { width: 1500, height: 500 },
  ],
  project: [{ width: 160 }, { width: 512 }, { width: 1280 }],
  audio: [{ width: 160 }, { width: 512 }, { width: 1280 }],
  other: [{ width: 320 }, { width: 1024 }, { width: 2048 }],
}

export const imageMediaTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']
const readTypes = new Set([...imageMediaTypes, 'image/apng'])

/** Refuses all but pictures of pixels, by the first bytes. Throws `unsupported_media`. */
export async function checkImageType(head: Uint8Array): Promise<void> {
  const found = await fileTypeFromBuffer(head)
  if (!found || !readTypes.has(found.mime)) {
    throw new AppError('unsupported_media', 'The file must be JPEG, PNG, WebP, GIF or AVIF, by its content')
  }
}

export interface Picture {
  name: string
  width: number
  height: number
  data: Buffer
}

/**
 * A picture in the sizes of its use, as WebP, upright, without metadata; moving ones keep moving. Throws
 * `unsupported_media` for what can't be decoded and `too_large` for more pixels than are decoded.
 */
export async function resizePicture(
  source: Buffer,
  usage: ImageDoc['usageType'],
): Promise<{ pictures: Picture[]; animated: boolean }> {
  try {
    const options = { limitInputPixels: mostPixels, failOn: 'error' as const }
    const { pages = 1, width = 0, height = 0, pageHeight = height } = await sharp(source, options).metadata()
    if (width * pageHeight * pages > mostPixels || pages > mostFrames) {
      throw new AppError('too_large', `The picture has more than ${mostPixels} pixels or ${mostFrames} frames`)
    }
    const animated = pages > 1
    const pictures: Picture[] = []
    for (const size of sizesOf[usage]) {
      const { data, info } = await sharp(source, { ...options, animated })
        .timeout({ seconds: mostSeconds })
        .autoOrient()
        .resize({ ...size, fit: size.height ? 'cover' : 'inside', withoutEnlargement: !size.height })
        .webp({ quality: 82 })
        .toBuffer({ resolveWithObject: true })
      const frames = animated ? (info.pages ?? pages) : 1
      pictures.push({ name: String(size.width), width: info.width, height: Math.round(info.height / frames), data })
    }
    return { pictures, animated }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    if (/pixel limit/i.test(String(cause))) {
      throw new AppError('too_large', `The picture has more than ${mostPixels} pixels`, { cause })
    }
    throw new AppError('unsupported_media', 'The picture is damaged', { cause })
  }
}
