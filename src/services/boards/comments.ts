import { Comment, type CommentDoc, type CommentWire } from '../../../models/Comment.ts'
import { cardsOf, mapOf, namesIn, textOf } from '../../boards/content/shape.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { forbidden, notFound } from '../../kernel/errors.ts'
import { isId, newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { People } from '../people.ts'
import type { Projects } from '../projects/projects.ts'
import { pageById } from '../shared/pages.ts'
import type { Gate } from './gate.ts'
import type { LiveBoards } from './live.ts'

/** What is said of cards: comments on the project that name the card. */
export function createCardComments(deps: {
  database: Database
  live: LiveBoards
  gate: Gate
  people: People
  projects: Projects
  notifications: Notifications
  logger: Logger
}) {
  const { database, live, gate, people, projects, notifications, logger } = deps
  const comments = database.collection(Comment)

  /** Whom a card concerns: who made it, and those who are to do it. Throws `not_found`. */
  async function concernedBy(projectId: string, cardId: string): Promise<string[]> {
    const found = await live.read(projectId, (doc) => {
      const card = mapOf(cardsOf(doc), cardId)
      return card && [textOf(card, 'createdBy'), ...namesIn(mapOf(card, 'assignees'))]
    })
    if (!found) throw notFound('card')
    return found.filter(isId)
  }

  async function tell(actor: Actor, projectId: string, cardId: string, commentId: string, concerned: string[]) {
    // The document can name anybody: those who are not in the project are not told.
    const members = new Set(await projects.members.idsOf(projectId))
    for (const userId of new Set(concerned)) {
      if (userId === actor.userId || !members.has(userId)) continue
      await notifications.collapse({
        userId,
        type: 'NewComment',
        actorId: actor.userId,
        ids: { targetType: 'Project', targetId: projectId, projectId, cardId, commentId },
        group: `comment:card:${projectId}:${cardId}`.slice(0, 190),
        key: `comment:${commentId}`,
      })
    }
  }

  return {
    /** Comments on a card, and tells whom it concerns. Anybody may who sees the board. */
    async create(actor: Actor, projectId: string, cardId: string, content: string): Promise<CommentWire> {
      const { project, member } = await gate.reader(actor, projectId)
      const concerned = await concernedBy(projectId, cardId)
      if (!member && (await people.hasBlocked(project.ownerId, actor.userId))) {
        throw forbidden('The project’s owner does not want to hear from you')
      }
      const comment = {
        _id: newId(),
        authorId: actor.userId,
        targetType: 'Project',
        targetId: projectId,
        cardId,
        content,
        createdAt: new Date(),
        updatedAt: null,
      } as CommentDoc
      await comments.insertOne(comment as never)
      if ((await projects.accessOf(actor.userId, projectId)) === 'missing') {
        // Deleted while it was being commented on: nothing of it is left behind.
        await comments.deleteOne({ _id: comment._id })
        throw notFound('project')
      }
      // The comment is stored: were this its answer, a second try would make it twice.
      await tell(actor, projectId, cardId, comment._id, concerned).catch((error) =>
        logger.warn({ err: error, commentId: comment._id }, 'could not tell of a comment on a card'),
      )
      return Comment.toWire(comment)
    },

    /** A page of what was said of a card, newest first; also of one that is gone. */
    async list(
      actor: Actor,
      projectId: string,
      cardId: string,
      { limit, cursor }: PageRequest,
    ): Promise<Page<CommentWire>> {
      await gate.reader(actor, projectId)
      return pageById(comments, { targetId: projectId, cardId }, { limit, cursor }, (comment) =>
        Comment.toWire(comment),
      )
    },
  }
}
