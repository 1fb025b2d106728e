import type { Language } from './i18n/i18n.svelte.ts'

interface Stored {
  theme: 'system' | 'light' | 'dark'
  contrast: 'system' | 'normal' | 'high'
  language: Language | 'auto'
  enterSends: boolean
  browserNotifications: boolean
}

const key = 'pp:settings'
const standard: Stored = {
  theme: 'system',
  contrast: 'system',
  language: 'auto',
  enterSends: true,
  browserNotifications: false,
}

/** What is chosen on this device. */
class Settings {
  theme = $state(standard.theme)
  contrast = $state(standard.contrast)
  language = $state(standard.language)
  enterSends = $state(standard.enterSends)
  browserNotifications = $state(standard.browserNotifications)

  constructor() {
    Object.assign(this, pick(readJson(key)))
  }

  /** Changes some of them, here and in what is kept. */
  set(change: Partial<Stored>): void {
    Object.assign(this, pick(change))
    const { theme, contrast, language, enterSends, browserNotifications } = this
    writeJson(key, { theme, contrast, language, enterSends, browserNotifications })
    this.apply()
  }

  /** Puts theme and contrast on the page. */
  apply(): void {
    const { dataset } = document.documentElement
    if (this.theme === 'system') delete dataset['theme']
    else dataset['theme'] = this.theme
    if (this.contrast === 'system') delete dataset['contrast']
    else dataset['contrast'] = this.contrast
  }
}

/** Only what is known and of the right kind. */
function pick(given: unknown): Partial<Stored> {
  const from = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>
  const entries = Object.entries(standard)
    .filter(([name, value]) => typeof from[name] === typeof value)
    .map(([name]) => [name, from[name]])
  return Object.fromEntries(entries)
}

/** Reads JSON from localStorage; null where there is none, or something else's. */
export function readJson(name: string): unknown {
  const text = localStorage.getItem(name)
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    // Written by something else, or cut off: the same as nothing kept.
    return null
  }
}

/** Writes JSON to localStorage; a full store is told on the console and loses nothing else. */
export function writeJson(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value))
  } catch (error) {
    console.warn(`Could not keep ${name}`, error)
  }
}

export const settings = new Settings()
