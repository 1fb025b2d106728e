/** Loaded before a server whose memory is measured (`node --expose-gc --import …`): collects garbage on SIGUSR2. */
process.on('SIGUSR2', () => {
  ;(globalThis as { gc?: () => void }).gc?.()
})
