import type { Texts } from '../en/texts.ts'

export const app: Texts['app'] = {
  name: 'Phantom Power',
  tagline: 'Wo Musikerinnen und Musiker sich treffen, reden und zusammen Musik machen.',
  skip: 'Zum Inhalt springen',
  loading: 'Wird geladen',
  notFound: 'Diese Seite gibt es nicht',
  notFoundHint: 'Vielleicht ist die Adresse vertippt, oder was hier war, ist umgezogen.',
  home: 'Zurück zum Anfang',
  pageFailed: 'Diese Seite konnte nicht geladen werden',
  reload: 'Neu laden',
}

export const nav: Texts['nav'] = {
  main: 'Hauptnavigation',
  rooms: 'Räume',
  messages: 'Post',
  boards: 'Boards',
  sound: 'Klang',
  people: 'Leute',
  notifications: 'Neues',
  settings: 'Einstellungen',
  you: 'Du',
  account: 'Dein Konto und Status',
  find: 'Gehe zu … (Strg+K)',
  unread: (n) => `${n} ungelesen`,
  back: 'Zurück',
}

export const common: Texts['common'] = {
  save: 'Speichern',
  saved: 'Gespeichert',
  cancel: 'Abbrechen',
  close: 'Schließen',
  delete: 'Löschen',
  edit: 'Bearbeiten',
  more: 'Mehr',
  loadMore: 'Mehr laden',
  retry: 'Noch einmal versuchen',
  remove: 'Entfernen',
  copyLink: 'Link kopieren',
  copied: 'Kopiert',
  search: 'Suchen',
  optional: 'freiwillig',
  none: 'Nichts',
  or: 'oder',
  show: 'Zeigen',
  hide: 'Verbergen',
  yes: 'Ja',
  somebody: 'Jemand',
  gone: 'Früheres Mitglied',
}

export const errors: Texts['errors'] = {
  unauthenticated: 'Du bist abgemeldet. Melde dich wieder an, um weiterzumachen.',
  forbidden: 'Das darfst du nicht.',
  not_found: 'Das gibt es nicht mehr, oder es ist nicht für dich bestimmt.',
  conflict: 'Jemand hat das inzwischen geändert. Sieh noch einmal nach und wiederhole es dann.',
  gone: 'Das wurde gelöscht.',
  too_large: 'Das ist zu groß. Wähle etwas Kleineres.',
  unsupported_media: 'Dateien dieser Art werden nicht angenommen.',
  invalid: 'Etwas ist nicht richtig ausgefüllt. Prüfe deine Eingabe.',
  rate_limited: 'Das ging etwas schnell. Warte einen Moment und versuche es dann noch einmal.',
  unavailable: 'Der Server ist gerade nicht erreichbar. Versuche es gleich noch einmal.',
  internal: 'Bei uns ist etwas schiefgegangen. Versuche es noch einmal; bleibt es so, sage es den Betreibern.',
  timeout: 'Es kam rechtzeitig keine Antwort. Prüfe deine Verbindung und versuche es noch einmal.',
  disconnected: 'Die Verbindung brach ab. Vielleicht hat es trotzdem geklappt: Sieh nach, ehe du es wiederholst.',
  closed: 'Du bist abgemeldet. Melde dich wieder an, um weiterzumachen.',
  queue_full: 'Zu viele Nachrichten warten. Warte, bis du wieder verbunden bist.',
  wrongLogin: 'E-Mail und Passwort passen nicht zusammen. Prüfe beide oder setze das Passwort zurück.',
  emailTaken: 'Mit dieser Adresse gibt es schon ein Konto. Melde dich an oder setze das Passwort zurück.',
  badLink: 'Dieser Link wurde schon benutzt oder ist zu alt. Fordere einen neuen an.',
  wrongPassword: 'Das ist nicht dein jetziges Passwort.',
  blocked: 'Du kannst hier nicht schreiben: Einer von euch hat den anderen blockiert.',
  field: 'Prüfe diese Eingabe.',
}

export const connection: Texts['connection'] = {
  connecting: 'Verbinde …',
  offline: 'Nicht verbunden. Was du schreibst, bleibt erhalten und geht von selbst hinaus.',
  syncing: 'Wird nachgeholt …',
  back: 'Wieder verbunden',
  now: 'Jetzt verbinden',
  unreachable: 'Der Server ist nicht erreichbar',
  unreachableHint: 'Wir versuchen es weiter. Prüfe solange deine eigene Verbindung.',
}

export const switcher: Texts['switcher'] = {
  title: 'Gehe zu',
  placeholder: 'Ein Raum, ein Mensch, eine Seite …',
  none: 'Nichts mit diesem Namen',
  hint: '↑ ↓ wählen, Enter geht hin',
  room: 'Raum',
  person: 'Mensch',
  page: 'Seite',
  searchFor: (text) => `Nachrichten nach „${text}“ durchsuchen`,
}

export const keys: Texts['keys'] = {
  title: 'Tastenkürzel',
  general: 'Überall',
  talk: 'Beim Schreiben',
  message: 'Auf einer Nachricht',
  goto: 'Zu Raum, Mensch oder Seite',
  sheet: 'Diese Übersicht',
  search: 'Nachrichten durchsuchen',
  nextUnread: 'Nächstes Ungelesene',
  upDown: 'Voriger und nächster Raum',
  close: 'Schließen, was offen ist',
  send: 'Senden',
  line: 'Neue Zeile',
  editLast: 'Letzte Nachricht bearbeiten',
  complete: 'Vorschlag annehmen',
  focusList: 'Vom Text zu den Nachrichten',
  move: 'Von Nachricht zu Nachricht',
  reply: 'Antworten',
  react: 'Reagieren',
  edit: 'Bearbeiten',
  pin: 'Anheften oder lösen',
  delete: 'Löschen',
  compose: 'Zurück zum Text',
}

export const time: Texts['time'] = {
  now: 'gerade eben',
}
