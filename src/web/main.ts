import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { i18n } from './lib/i18n/i18n.svelte.ts'
import { session } from './lib/session.svelte.ts'
import { settings } from './lib/settings.svelte.ts'

// A page from before an update asks for files that are gone: the new page has the new names. Once, or it would never end.
addEventListener('vite:preloadError', (event) => {
  const last = Number(sessionStorage.getItem('pp:reloaded') ?? 0)
  if (Date.now() - last < 60_000) return
  event.preventDefault()
  sessionStorage.setItem('pp:reloaded', String(Date.now()))
  location.reload()
})

settings.apply()
await i18n.start(settings.language)
void session.start()
mount(App, { target: document.getElementById('app')! })
