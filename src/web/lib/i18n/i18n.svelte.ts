import { en, type Texts } from './en/texts.ts'

export const languages = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof languages

/** English is always there; the others come when they are wanted. */
const others: Record<Exclude<Language, 'en'>, () => Promise<Texts>> = {
  de: async () => (await import('./de/texts.ts')).de,
}

const isLanguage = (text: string): text is Language => text in languages

class I18n {
  texts = $state.raw<Texts>(en)
  language = $state<Language>('en')
  #wanted: Language = 'en'

  /** How dates and numbers are written: as the browser's own region does, where it speaks the language chosen. */
  get locale(): string {
    return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === this.language) ?? this.language
  }

  /** Takes the language chosen, or for `auto` the first of the browser's that we have. */
  async start(chosen: Language | 'auto'): Promise<void> {
    const offered = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())
    const language = chosen === 'auto' ? (offered.find(isLanguage) ?? 'en') : chosen
    this.#wanted = language
    let texts = en
    try {
      if (language !== 'en') texts = await others[language]()
    } catch (error) {
      console.warn('The texts could not be loaded; English stays', error)
      return
    }
    // Another choice may have been made while this one was loading.
    if (this.#wanted !== language) return
    this.texts = texts
    this.language = language
    document.documentElement.lang = language
  }
}

export const i18n = new I18n()

/** The texts in the present language. Reading them in a component follows a change of it. */
export const t = (): Texts => i18n.texts
