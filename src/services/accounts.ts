export type Accounts = {}
