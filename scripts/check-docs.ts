// Fails where a document no longer says what is so. Each check is a function that returns what is wrong.
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, normalize, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What is wrong in the documents of the project at `root`; empty when they are in step. */
type DocsCheck = (root: string) => Promise<string[]>

const CHECKS: DocsCheck[] = [checkVariables, checkLinks]
const LINKED_FROM = ['README.md', 'CHANGELOG.md', 'docs/architecture.md', 'docs/operating.md', 'docs/benchmarks.md']

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
  for (const document of LINKED_FROM) {
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

/** All that is wrong, of every check. */
export async function checkDocs(root: string): Promise<string[]> {
  return (await Promise.all(CHECKS.map((check) => check(root)))).flat()
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
