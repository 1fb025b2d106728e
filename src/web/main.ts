import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { watchChunks } from './lib/chunks.ts'
import { i18n } from './lib/i18n/i18n.svelte.ts'
import { session } from './lib/session.svelte.ts'
import { settings } from './lib/settings.svelte.ts'

watchChunks()
settings.apply()
await i18n.start(settings.language)
void session.start()
mount(App, { target: document.getElementById('app')! })
