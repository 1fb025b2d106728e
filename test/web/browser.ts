import { join, resolve } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
// @ts-expect-error a script without types
import { buildWeb } from '../../scripts/build-web.mjs'
import { ensureChromium } from '../../scripts/find-tools.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** Builds the web client where its sources changed; returns the folder to serve it from. */
export async function webHome(): Promise<string> {
  await buildWeb()
  return join(root, 'dist', 'web')
}

export interface Visit {
  page: Page
  context: BrowserContext
  /** What the page wrote to its console as an error, and requests that left the server. */
  complaints: string[]
}

export interface Visits {
  open(url: string, options?: BrowserContextOptions): Promise<Visit>
  /** Opens a page as one who is signed in already, by the cookie that the web client holds. */
  as(who: { email: string; password: string }, url: string, options?: BrowserContextOptions): Promise<Visit>
  close(): Promise<void>
}

/**
 * What the browser does without: the suggestions under its address bar, pages of their own that each window loads, shown
 * or not (of ten windows with a small page 14 of 23 s of CPU time); and what Playwright turns off, as of two such lists
 * Chromium takes the last.
 */
const disabledFeatures = [
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup'],
  ...['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades'],
  ...[
    'HttpsFirstBalancedModeAutoEnable',
    'LensOverlay',
    'MediaRouter',
    'PaintHolding',
    'ThirdPartyStoragePartitioning',
  ],
  ...['AvoidCorsURLLoaderRestartOnRedirect', 'OptimizationHints', 'NetworkTimeServiceQuerying', 'AimEnabled'],
  ...['PreconnectToSearch'],
]
const commonArgs = ['--no-sandbox', '--disable-gpu', `--disable-features=${disabledFeatures.join(',')}`]

/** The browser that the suites of this process share, each with contexts of its own. It ends with the process. */
let shared: Promise<Browser> | undefined

async function launch(args: string[]): Promise<Browser> {
  const executablePath = process.env['TEST_CHROMIUM'] ?? (await ensureChromium())
  return chromium.launch({ executablePath, args: [...commonArgs, ...args] })
}

/** Launches the shared browser where there is none yet, or none any more. */
async function shareBrowser(): Promise<Browser> {
  const before = shared
  const known = await before?.catch(() => undefined)
  if (known?.isConnected()) return known
  // Whoever asked meanwhile has launched one.
  if (shared !== before) return shareBrowser()
  shared = launch([])
  return shared
}

/** A browser in which each visit is a person of their own: the shared one, or its own with `args` of Chromium's. */
export async function openBrowser(args: string[] = []): Promise<Visits> {
  const own = args.length > 0 ? await launch(args) : undefined
  if (!own) await shareBrowser()
  const contexts = new Set<BrowserContext>()
  const newContext = async (options: BrowserContextOptions) => {
    const browser = own ?? (await shareBrowser())
    const context = await browser.newContext({
      locale: 'en-GB',
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...options,
    })
    context.setDefaultTimeout(60_000)
    contexts.add(context)
    context.once('close', () => contexts.delete(context))
    return context
  }
  const visit = async (context: BrowserContext, url: string): Promise<Visit> => {
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`)
    })
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url())
      if (/^(https?|wss?):$/.test(protocol) && origin !== new URL(url).origin && !request.url().startsWith('ws'))
        complaints.push(`a request to ${origin}`)
    })
    await page.goto(url)
    return { page, context, complaints }
  }
  return {
    open: async (url, options = {}) => visit(await newContext(options), url),
    async as({ email, password }, url, options = {}) {
      const context = await newContext(options)
      const answer = await context.request.post(new URL('/api/v1/auth/login', url).href, {
        headers: { 'X-Phantom-Client': 'web' },
        data: { email, password },
      })
      if (!answer.ok()) throw new Error(`log-in answered ${answer.status()}`)
      await context.addInitScript("localStorage.setItem('pp:signed-in', '1')")
      return visit(context, url)
    },
    async close() {
      await Promise.all([...contexts].map((context) => context.close()))
      await own?.close()
    },
  }
}

/** Fills the form of the sign-up page. */
export async function signUp(page: Page, name: string, email: string, password = 'a long password'): Promise<void> {
  await page.getByLabel('Name that others see').fill(name)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign up' }).click()
}

/** Fills the form of the log-in page. */
export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
