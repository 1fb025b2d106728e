import ChartColumn from '@lucide/svelte/icons/chart-column'
import Flag from '@lucide/svelte/icons/flag'
import ScrollText from '@lucide/svelte/icons/scroll-text'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import Tag from '@lucide/svelte/icons/tag'
import Users from '@lucide/svelte/icons/users'
import type { Component } from 'svelte'
import type { Texts } from '../../lib/i18n/en/texts.ts'
import type { adminRights } from '../../lib/rights.ts'

export interface Section {
  id: keyof typeof adminRights
  label: (texts: Texts) => string
  icon: Component<any>
  load: () => Promise<{ default: Component<any> }>
}

/** The pages of those who run the place, each for who has the right. */
export const sections: Section[] = [
  {
    id: 'reports',
    label: ({ admin }) => admin.reports,
    icon: Flag,
    load: () => import('./Reports.svelte'),
  },
  {
    id: 'users',
    label: ({ admin }) => admin.users,
    icon: Users,
    load: () => import('./Users.svelte'),
  },
  {
    id: 'roles',
    label: ({ admin }) => admin.roles,
    icon: ShieldCheck,
    load: () => import('./Roles.svelte'),
  },
  {
    id: 'tags',
    label: ({ admin }) => admin.tags,
    icon: Tag,
    load: () => import('./Tags.svelte'),
  },
  {
    id: 'measures',
    label: ({ admin }) => admin.measures,
    icon: ChartColumn,
    load: () => import('./Measures.svelte'),
  },
  {
    id: 'audit',
    label: ({ admin }) => admin.audit,
    icon: ScrollText,
    load: () => import('./AuditLog.svelte'),
  },
]
