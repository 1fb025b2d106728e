// Fails on an import that points the wrong way; docs/architecture.md draws the arrows.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** An import that must not be, and why. */
export interface WrongImport {
  file: string
  line: number
  specifier: string
  reason: string
}

interface Import {
  specifier: string
  line: number
  /** Nothing of it is left at run time. */
  typeOnly: boolean
}

/** A place in the house. `policies`, `services` and so on are folders of `src/`, `shared` is in `services`. */
type Place =
  | 'kernel'
  | 'models'
  | 'policies'
  | 'shared'
  | 'services'
  | 'rooms'
  | 'http'
  | 'jobs'
  | 'infra'
  | 'log'
  | 'content'
  | 'boards'
  | 'realtime'
  | 'client'
  | 'audio'
  | 'web'
  | 'config'
  | 'top'
  | 'outside'

interface Rule {
  /** May be imported in any way. */
  values: Place[]
  /** May be imported by `import type` only. */
  types: Place[]
}

const INNER: Place[] = ['kernel', 'models', 'policies', 'shared', 'services', 'content']
/** A place always sees itself, services excepted: they receive each other. */
const RULES: Partial<Record<Place, Rule>> = {
  kernel: { values: ['kernel'], types: [] },
  models: { values: ['models', 'kernel'], types: [] },
  policies: { values: ['policies', 'models', 'kernel'], types: [] },
  shared: { values: ['shared', 'policies', 'models', 'kernel'], types: ['log', 'infra'] },
  services: {
    values: ['shared', 'policies', 'models', 'kernel', 'content', 'audio'],
    types: ['services', 'log', 'boards', 'infra', 'config'],
  },
  rooms: { values: ['rooms', ...INNER], types: ['config'] },
  http: { values: ['http', ...INNER], types: ['config', 'rooms'] },
  jobs: { values: ['jobs', ...INNER], types: ['config'] },
  infra: { values: ['infra', 'kernel', 'models'], types: ['config'] },
  log: { values: ['log', 'kernel', 'models'], types: [] },
  content: { values: ['content', 'kernel'], types: [] },
  realtime: {
    values: ['realtime', 'kernel', 'models', 'rooms', 'infra', 'shared'],
    types: ['services', 'config', 'log'],
  },
  client: { values: ['client'], types: ['kernel', 'models'] },
  // Signals and files; it knows nothing of whose they are.
  audio: { values: ['audio'], types: [] },
  web: { values: ['web', 'client'], types: [] },
  config: { values: ['kernel'], types: [] },
}

const FOLDERS: Place[] = [
  'kernel',
  'policies',
  'services',
  'http',
  'jobs',
  'infra',
  'log',
  'boards',
  'realtime',
  'client',
  'audio',
  'web',
]
const TOP_FILES = ['src/app.ts', 'src/assembly.ts', 'src/main.ts']

function isOwnFolder(file: string): boolean {
  return file.split('/').length > 3
}

/** Where a file, given by its path from the project's root, belongs. */
export function placeOf(path: string): Place {
  const [first, second] = path.split('/')
  if (first === 'models' || first === 'rooms') return first
  if (path === 'src/config.ts') return 'config'
  if (TOP_FILES.includes(path)) return 'top'
  if (path.startsWith('src/services/shared/')) return 'shared'
  if (path.startsWith('src/boards/content/')) return 'content'
  if (first === 'src') return FOLDERS.find((folder) => folder === second) ?? 'outside'
  return 'outside'
}

/** Judges one file's text; `file` is its path from the project's root, with `/`. */
export function checkFile(file: string, text: string): WrongImport[] {
  const place = placeOf(file)
  const rule = RULES[place]
  if (!rule) {
    const stray = place === 'outside' && file.startsWith('src/')
    return stray ? [{ file, line: 1, specifier: '', reason: 'this file has no place in the plan of src/' }] : []
  }
  const wrong: WrongImport[] = []
  for (const { specifier, line, typeOnly } of findImports(text)) {
    if ((place === 'client' || place === 'web') && specifier.startsWith('node:')) {
      wrong.push({ file, line, specifier, reason: `${place} runs in browsers` })
    }
    if (!specifier.startsWith('.')) continue
    const target = posix.normalize(posix.join(posix.dirname(file), specifier))
    const targetPlace = placeOf(target)
    if (rule.values.includes(targetPlace)) continue
    if (typeOnly && rule.types.includes(targetPlace)) continue
    // The files of one service in a folder of its own are one.
    if (place === 'services' && posix.dirname(file) === posix.dirname(target) && isOwnFolder(file)) continue
    const reason = rule.types.includes(targetPlace)
      ? `${place} may import only types of ${targetPlace}`
      : `${place} may not import ${targetPlace === 'outside' || targetPlace === 'top' ? target : targetPlace}`
    wrong.push({ file, line, specifier, reason })
  }
  return wrong
}

const STATEMENT =
  /(?:^|[;\n])[ \t]*(?:import|export)\s+(type\s+)?[\w*$\s{},]*?\s*from\s*(['"])([^'"\n]+)\2|(?:^|[;\n])[ \t]*import\s*(['"])([^'"\n]+)\4|\bimport\s*\(\s*(['"`])([^'"`\n]+)\6/g

/**
 * Every import, re-export and `import()` of a text, comments left out. `import { type A }` is no type import: under
 * verbatimModuleSyntax it still runs the module.
 */
export function findImports(text: string): Import[] {
  const code = blankComments(text)
  const found: Import[] = []
  for (const match of code.matchAll(STATEMENT)) {
    const specifier = match[3] ?? match[5] ?? match[7]!
    const at = match.index + match[0].length
    found.push({ specifier, line: code.slice(0, at).split('\n').length, typeOnly: match[1] !== undefined })
  }
  return found
}

/** Blanks keep the line numbers. Strings stay, so that a `//` in one begins no comment. */
function blankComments(text: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
  return text.replace(token, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part))
}

/** Every wrong import under `models/`, `rooms/` and `src/` of a project. */
export async function checkImports(root: string): Promise<WrongImport[]> {
  const wrong: WrongImport[] = []
  for (const folder of ['models', 'rooms', 'src']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch((error) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    for (const entry of entries) {
      if (!entry.isFile() || !/\.(tsx?|svelte)$/.test(entry.name)) continue
      const path = join(entry.parentPath, entry.name)
      const file = relative(root, path).replaceAll('\\', '/')
      wrong.push(...checkFile(file, await readFile(path, 'utf8')))
    }
  }
  return wrong
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const wrong = await checkImports(resolve(dirname(import.meta.filename), '..'))
  for (const { file, line, specifier, reason } of wrong) console.error(`${file}:${line}: '${specifier}': ${reason}`)
  process.exitCode = wrong.length > 0 ? 1 : 0
}
