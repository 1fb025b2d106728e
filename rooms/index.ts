import { add as addHeard } from './analysis/add.ts'
import { analysisEmissions } from './analysis/emissions.ts'
import { wanted } from './analysis/wanted.ts'
import { boardEmissions } from './board/emissions.ts'
import { operate as operateBoard } from './board/operate.ts'
import { create } from './chat/create.ts'
import { deleteMessage } from './chat/delete.ts'
import { edit } from './chat/edit.ts'
import { chatEmissions } from './chat/emissions.ts'
import { history } from './chat/history.ts'
import { invite } from './chat/invite.ts'
import { join } from './chat/join.ts'
import { leave } from './chat/leave.ts'
import { pin } from './chat/pin.ts'
import { react } from './chat/react.ts'
import { read } from './chat/read.ts'
import { remove } from './chat/remove.ts'
import { assignRole } from './chat/role.ts'
import { search } from './chat/search.ts'
import { send } from './chat/send.ts'
import { typing } from './chat/typing.ts'
import { update } from './chat/update.ts'
import { conversations } from './direct/conversations.ts'
import { deleteMessage as deleteDirect } from './direct/delete.ts'
import { edit as editDirect } from './direct/edit.ts'
import { directEmissions } from './direct/emissions.ts'
import { history as directHistory } from './direct/history.ts'
import { react as reactDirect } from './direct/react.ts'
import { read as readDirect } from './direct/read.ts'
import { send as sendDirect } from './direct/send.ts'
import { typing as directTyping } from './direct/typing.ts'
import { control as controlListening } from './listen/control.ts'
import { listenEmissions } from './listen/emissions.ts'
import { get as getListening } from './listen/get.ts'
import { start as startListening } from './listen/start.ts'
import { syncTime } from './listen/time.ts'
import { connectionEmissions } from './log/emissions.ts'
import { sync } from './log/sync.ts'
import { notificationEmissions } from './notifications/emissions.ts'
import { read as readNotifications } from './notifications/read.ts'
import { presenceEmissions } from './presence/emissions.ts'
import { set } from './presence/set.ts'
import { unwatch } from './presence/unwatch.ts'
import { watch } from './presence/watch.ts'

/** All that a socket can ask. */
export const events = [
  sync,
  create,
  join,
  leave,
  invite,
  remove,
  assignRole,
  update,
  send,
  edit,
  deleteMessage,
  react,
  pin,
  history,
  search,
  read,
  typing,
  sendDirect,
  editDirect,
  deleteDirect,
  reactDirect,
  directHistory,
  readDirect,
  directTyping,
  conversations,
  set,
  watch,
  unwatch,
  readNotifications,
  operateBoard,
  startListening,
  controlListening,
  getListening,
  syncTime,
  wanted,
  addHeard,
] as const

/** All that the server tells sockets. */
export const emissions = [
  ...connectionEmissions,
  ...chatEmissions,
  ...directEmissions,
  ...presenceEmissions,
  ...notificationEmissions,
  ...boardEmissions,
  ...analysisEmissions,
  ...listenEmissions,
] as const
