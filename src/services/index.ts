import type { Accounts } from './accounts.ts'

/** What routes, socket events and jobs act through. */
export interface Services {
  accounts: Accounts
}
