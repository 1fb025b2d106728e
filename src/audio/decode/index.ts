export { openDecoder } from './decoder.ts'
export * from './pcm.ts'
