/** A sine of 440 Hz that swells, as a WAV of 16 bits. */
export function tone(seconds: number, sampleRate = 8_000): Buffer {
  const frames = Math.round(seconds * sampleRate)
  const file = Buffer.alloc(44 + frames * 2)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + frames * 2, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(sampleRate, 24)
  file.writeUInt32LE(sampleRate * 2, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36)
  file.writeUInt32LE(frames * 2, 40)
  for (let at = 0; at < frames; at++) {
    const sample = Math.sin((2 * Math.PI * 440 * at) / sampleRate) * (at / frames) * 20_000
    file.writeInt16LE(Math.round(sample), 44 + at * 2)
  }
  return file
}
