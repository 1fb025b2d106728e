import { z } from 'zod'
import { ProjectAccess } from '../../../models/UserProject.ts'
import { f } from '../../kernel/fields.ts'

/** What clients give to projects and their members. */
const title = f.name(200)
const description = f.text(0, 5_000)
const role = f
  .name(60)
  .describe('`owner`, `editor` and `commenter` write on the board, `viewer` reads; any other text writes, too')
const access = ProjectAccess.describe(
  '`viewer`: may only read, beside `commenter` or a free role; null: as the role says',
)

export const ProjectInput = z.object({
  title,
  description: description.optional(),
  isOpen: z.boolean().default(true).describe('Whether all may find it and read its board'),
})

export const ProjectPatch = z.object({
  title: title.optional(),
  description: description.nullable().optional(),
  isOpen: z.boolean().optional(),
})

export const MemberInput = z.object({ userId: f.ref('User'), role, access: access.nullable().optional() })

export const MemberPatch = z.object({ role: role.optional(), access: access.nullable().optional() })
