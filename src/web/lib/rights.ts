import { session } from './session.svelte.ts'

/** What opens each page of those who run the place: resource and action. The server decides on what is done there. */
export const adminRights = {
  reports: ['Report', 'moderate'],
  users: ['User', 'read'],
  roles: ['Role', 'manage'],
  tags: ['Tag', 'manage'],
  measures: ['MetricType', 'manage'],
  audit: ['AuditLog', 'read'],
} as const

/** Whether any of these pages is open to the user. */
export const hasAdminPages = (): boolean =>
  Object.values(adminRights).some(([resource, action]) => session.may(resource, action))
