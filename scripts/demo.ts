// npm run demo: fills the database of the instances, or that of DATA_DIR, with musicians who talk, and prints log-ins.
import { ConfigError, readConfig } from '../src/config.ts'
import { demoPassword, emailOf } from './demo/people.ts'
import { seedDemo } from './demo/seed.ts'
import { openServices } from './shared/services.ts'

async function main() {
  const config = readConfig(process.env)
  const open = await openServices(config, (line) => console.error(line))
  try {
    const world = await seedDemo(open)
    const width = Math.max(...world.people.map(({ name }) => name.length))
    const mailWidth = Math.max(...world.people.map(({ key }) => emailOf(key).length))
    console.log(
      `${world.people.length} musicians (${world.newPeople} new), ${world.rooms} rooms, ${world.conversations} conversations, ${world.messages} messages, ${world.recordings} recordings, ${world.projects} projects\n`,
    )
    console.log(`${'name'.padEnd(width)}  ${'e-mail'.padEnd(mailWidth)}  password`)
    for (const { key, name } of world.people) {
      console.log(`${name.padEnd(width)}  ${emailOf(key).padEnd(mailWidth)}  ${demoPassword}`)
    }
    console.log(`\n${config.publicUrl}`)
  } finally {
    await open.close()
  }
}

main().catch((error) => {
  console.error(error instanceof ConfigError || error instanceof Error ? error.message : error)
  if (process.env['LOG_LEVEL'] === 'debug') console.error(error)
  process.exitCode = 1
})
