/** Where the outline of a recording is served. */
export const waveformUrl = (publicUrl: string, id: string) => `${publicUrl}/api/v1/audio-files/${id}/waveform`
