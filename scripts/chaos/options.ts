export interface Options {
  seconds: number
  seed: number
  instances: number
  /** Run against the stock app of `naive-app.ts` instead of the server. */
  naive: boolean
  /** Keep the folder with data and logs, and write the history into it. */
  keep: boolean
  /** Where to write the outcome as JSON. */
  json: string | null
}

export const USAGE = `npm run chaos -- [--minutes N | --seconds N] [--seed N] [--instances N] [--naive] [--keep] [--json FILE]

  Kills, freezes and cuts off instances, MongoDB, Redis and clients while users talk; then counts what went wrong.
  Default: 60 seconds, 3 instances, a random seed (which is printed). Exit code 1 on any anomaly, or if too little
  happened to mean anything; 2 if it could not be run.`

/** Reads the command line; throws an Error that names the argument. */
export function parseOptions(argv: string[]): Options {
  const options: Options = {
    seconds: 60,
    seed: Math.floor(Math.random() * 2 ** 31),
    instances: 3,
    naive: false,
    keep: false,
    json: null,
  }
  const rest = [...argv]
  const number = (name: string, min: number, max: number): number => {
    const value = Number(rest.shift())
    if (!(value >= min && value <= max)) throw new Error(`${name} takes a number from ${min} to ${max}`)
    return value
  }
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '--minutes') options.seconds = number(name, 0.25, 600) * 60
    else if (name === '--seconds') options.seconds = number(name, 15, 36_000)
    else if (name === '--seed') options.seed = Math.floor(number(name, 0, 2 ** 32 - 1))
    else if (name === '--instances') options.instances = Math.floor(number(name, 1, 16))
    else if (name === '--naive') options.naive = true
    else if (name === '--keep') options.keep = true
    else if (name === '--json') {
      const file = rest.shift()
      if (!file) throw new Error('--json takes a file name')
      options.json = file
    } else throw new Error(`Unknown argument ${name}`)
  }
  return options
}
