// Fails where a document no longer says what is so. Each check is a function that returns what is wrong.
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, normalize, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { emissions, events } from '../rooms/index.ts'
import { routes } from '../src/http/index.ts'
import { scopes } from '../src/kernel/actor.ts'
import { describeEvents } from './docs/events.ts'
import { describeRights } from './docs/rights.ts'
import { replaceSection } from './docs/sections.ts'

/** What is wrong in the documents of the project at `root`; empty when they are in step. */
type DocsCheck = (root: string, registries: Registries) => Promise<string[]>

const GUIDES = ['architecture', 'operating', 'protocol', 'rights', 'client', 'decisions', 'benchmarks', 'metrics'].map(
  (name) => `docs/${name}.md`,
)
const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'examples/README.md', ...GUIDES]
/** Paths that are served beside the declared routes. */
const OTHER_PATHS = ['/api/openapi.json', '/api/docs', '/api/docs/events', '/api/asyncapi.json']

/** What documents may name. */
export interface Registries {
  /** Socket events of both directions, and what the typed client tells by itself. */
  events: string[]
  /** `GET /api/v1/me`, with parameters as `{id}`. */
  routes: string[]
  /** The parts of documents that are written from the declarations. */
  tables: { document: string; section: string; text: string }[]
}

/** Every environment variable that `src/config.ts` names is explained in `docs/operating.md`. */
export async function checkVariables(root: string): Promise<string[]> {
  const config = await readText(join(root, 'src/config.ts'))
  if (config === undefined) return []
  const names = new Set(
    [...config.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bPORT\b|\bHOST\b/g)].map(([name]) => name),
  )
  const guide = (await readText(join(root, 'docs/operating.md'))) ?? ''
  // Constants of the file itself are named the same way.
  for (const [, constant] of config.matchAll(/\b(?:const|let)\s+([A-Z][A-Z0-9_]*)\b/g)) names.delete(constant!)
  return [...names]
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(guide))
    .map((name) => `docs/operating.md does not explain ${name}, which src/config.ts reads`)
}

/** Every link to a file leads to one. */
export async function checkLinks(root: string): Promise<string[]> {
  const wrong: string[] = []
  for (const document of DOCUMENTS) {
    const text = await readText(join(root, document))
    if (text === undefined) continue
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const path = target!.split('#')[0]!
      if (path === '' || /^[a-z]+:/.test(path)) continue
      const file = normalize(join(dirname(document), decodeURIComponent(path)))
      const exists = await stat(join(root, file)).then(
        () => true,
        () => false,
      )
      if (!exists) wrong.push(`${document} links to ${path}, which is not there`)
    }
  }
  return wrong
}

/** Every socket event that a document names is there. */
export async function checkEvents(root: string, { events }: Registries): Promise<string[]> {
  const known = new Set(events)
  const kinds = [...new Set(events.filter((name) => name.includes(':')).map((name) => name.split(':')[0]))]
  // In quotes or backticks, so that prose such as "room: a place" is no event.
  const named = new RegExp(`['"\`]((?:${kinds.join('|')})(?::[a-z]+)+)(?=['"\`\\s])`, 'g')
  return inDocuments(root, (text, document) =>
    [...text.matchAll(named)]
      .filter(([, name]) => !known.has(name!))
      .map(([, name]) => `${document} names the event ${name}, which is not there`),
  )
}

/** Every route that a document names is there, with its method where one is named. */
export async function checkRoutes(root: string, { routes }: Registries): Promise<string[]> {
  const known = [...routes, ...OTHER_PATHS.map((path) => `GET ${path}`)].map((route) => {
    const [method, path] = route.split(' ') as [string, string]
    return { method, pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }
  })
  return inDocuments(root, (text, document) =>
    [...text.matchAll(/(?:\b(GET|POST|PUT|PATCH|DELETE) )?(\/api\/[\w./{}-]*[\w}])/g)]
      .filter(([, method, path]) => {
        const isThere = known.some((route) => route.pattern.test(path!) && (!method || method === route.method))
        return !isThere
      })
      .map(
        ([, method, path]) => `${document} names the route ${method ? `${method} ` : ''}${path}, which is not there`,
      ),
  )
}

/** Every npm script that the README names is in package.json, and what it runs is there. */
export async function checkScripts(root: string): Promise<string[]> {
  const manifest = await readText(join(root, 'package.json'))
  const { scripts = {} } = JSON.parse(manifest ?? '{}') as { scripts?: Record<string, string> }
  const readme = (await readText(join(root, 'README.md'))) ?? ''
  const names = new Set(
    [...readme.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(([, run, own]) => run ?? own!),
  )
  const wrong: string[] = []
  for (const name of names) {
    const file = /\b(?:scripts|src)\/\S+\.ts\b/.exec(scripts[name] ?? '')?.[0]
    if (scripts[name] === undefined) wrong.push(`README.md names npm run ${name}, which package.json lacks`)
    else if (file && (await readText(join(root, file))) === undefined) {
      wrong.push(`README.md names npm run ${name}, whose ${file} is not there`)
    }
  }
  return wrong
}

/** What a document shows as part of a file, by a path after the fence's language, is in that file as it stands. */
export async function checkExcerpts(root: string): Promise<string[]> {
  const wrong: string[] = []
  for (const document of DOCUMENTS) {
    const text = (await readText(join(root, document))) ?? ''
    for (const [, path, excerpt] of text.matchAll(/^```\w+ (\S+\.\w+)\n([\s\S]*?)^```$/gm)) {
      const file = await readText(join(root, path!))
      if (!file?.includes(excerpt!)) wrong.push(`${document} shows a part of ${path} that is not there`)
    }
  }
  return wrong
}

/** The tables that are written from declarations say what is declared. */
export async function checkTables(root: string, { tables }: Registries): Promise<string[]> {
  const wrong: string[] = []
  for (const { document, section, text } of tables) {
    const guide = (await readText(join(root, document))) ?? ''
    try {
      if (replaceSection(guide, section, text) === guide) continue
      wrong.push(`${document} is out of step with what is declared: run npm run docs`)
    } catch (error) {
      wrong.push(`${document}: ${(error as Error).message}`)
    }
  }
  return wrong
}

/** Every behaviour that a test's title numbers is once in test/spec.md, and every one there has a test. */
export async function checkBehaviours(root: string): Promise<string[]> {
  const files = await readdir(join(root, 'test'), { recursive: true }).catch((error) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const titles = new Map<string, Set<string>>()
  for (const file of files.filter((name) => name.endsWith('.test.ts'))) {
    const text = await readFile(join(root, 'test', file), 'utf8')
    for (const [, , number, title] of text.matchAll(/(['"`])\[([A-Z]+-\d+)\] (.*?)\1/g)) {
      titles.set(number!, (titles.get(number!) ?? new Set()).add(title!))
    }
  }
  const spec = (await readText(join(root, 'test/spec.md'))) ?? ''
  const listed = [...spec.matchAll(/^- \*\*([A-Z]+-\d+)\*\* /gm)].map(([, number]) => number!)
  const known = new Set(listed)
  return [
    ...listed.filter((number, index) => listed.indexOf(number) < index).map((number) => `has ${number} twice`),
    ...[...titles.keys()].filter((number) => !known.has(number)).map((number) => `lacks ${number}, which a test has`),
    ...[...known].filter((number) => !titles.has(number)).map((number) => `has ${number}, which no test has`),
    ...[...titles].filter(([, each]) => each.size > 1).map(([number]) => `has ${number} for tests of different titles`),
  ].map((wrong) => `test/spec.md ${wrong}`)
}

async function inDocuments(root: string, look: (text: string, document: string) => string[]): Promise<string[]> {
  const texts = await Promise.all(DOCUMENTS.map((document) => readText(join(root, document))))
  const wrong = texts.flatMap((text, index) => (text === undefined ? [] : look(text, DOCUMENTS[index]!)))
  return [...new Set(wrong)]
}

/** What the project declares. */
export async function readRegistries(root: string): Promise<Registries> {
  const api = (await readText(join(root, 'src/client/api.ts'))) ?? ''
  const own = [...api.matchAll(/'([a-z]+:[a-z:]+)'/g)].map(([, name]) => name!)
  return {
    // Scopes are written alike.
    events: [...events.map(({ name }) => name), ...emissions.map(({ name }) => name), ...own, ...scopes],
    routes: routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`),
    tables: [
      { document: 'docs/protocol.md', section: 'events', text: describeEvents() },
      { document: 'docs/rights.md', section: 'rights', text: describeRights() },
    ],
  }
}

/** All that is wrong, of every check. */
export async function checkDocs(root: string): Promise<string[]> {
  const registries = await readRegistries(root)
  const checks: DocsCheck[] = [
    checkVariables,
    checkLinks,
    checkEvents,
    checkRoutes,
    checkScripts,
    checkTables,
    checkExcerpts,
    checkBehaviours,
  ]
  return (await Promise.all(checks.map((check) => check(root, registries)))).flat()
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const wrong = await checkDocs(resolve(dirname(import.meta.filename), '..'))
  for (const line of wrong) console.error(line)
  process.exitCode = wrong.length > 0 ? 1 : 0
}
