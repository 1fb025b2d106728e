import { connect } from 'phantom-power/client'

const client = connect({ url: process.env.PHANTOM_URL ?? 'http://127.0.0.1:3000', token: process.env.PHANTOM_TOKEN })
client.on('state', ({ state, reason }) => console.log(state, reason?.message ?? ''))

for await (const message of client.messages()) {
  const mentioned = 'mentions' in message && message.mentions.includes(client.userId ?? '')
  if (!mentioned && !message.content.startsWith('!echo')) continue
  // Without the @, so that two such bots don't mention each other for ever.
  const echo = message.content.replace(/^(!echo\s*)+/, '').replaceAll('@', '') || 'echo!'
  await client.reply(message, echo).catch((error) => console.error(`not answered: ${error.message}`))
}
