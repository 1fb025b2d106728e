import type { Texts } from '../en/texts.ts'
import { auth, notifications, settings, welcome } from './account.ts'
import { admin } from './admin.ts'
import { boards, bookings } from './boards.ts'
import { people, presence, profiles } from './people.ts'
import { app, common, connection, errors, keys, nav, switcher, time } from './shell.ts'
import { listen, sound } from './sound.ts'
import { direct, rooms, search, talk } from './talk.ts'

/** Every text of the web client, in German. */
export const de: Texts = {
  app,
  nav,
  common,
  errors,
  connection,
  auth,
  welcome,
  rooms,
  direct,
  talk,
  search,
  switcher,
  keys,
  presence,
  people,
  notifications,
  settings,
  sound,
  listen,
  boards,
  profiles,
  bookings,
  admin,
  time,
}
