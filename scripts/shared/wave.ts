/** A WAV of 16 bits: one plane of samples from −1 to 1 for each channel, at `rate` Hz. */
export function encodeWave(planes: Float32Array[], rate: number): Buffer {
  const channels = planes.length
  const frames = planes[0]!.length
  const data = Buffer.alloc(44 + frames * channels * 2)
  data.write('RIFF', 0)
  data.writeUInt32LE(data.length - 8, 4)
  data.write('WAVEfmt ', 8)
  data.writeUInt32LE(16, 16)
  data.writeUInt16LE(1, 20)
  data.writeUInt16LE(channels, 22)
  data.writeUInt32LE(rate, 24)
  data.writeUInt32LE(rate * channels * 2, 28)
  data.writeUInt16LE(channels * 2, 32)
  data.writeUInt16LE(16, 34)
  data.write('data', 36)
  data.writeUInt32LE(data.length - 44, 40)
  for (let i = 0; i < frames; i++) {
    for (let c = 0; c < channels; c++) {
      data.writeInt16LE(Math.round(planes[c]![i]! * 32_767), 44 + (i * channels + c) * 2)
    }
  }
  return data
}
