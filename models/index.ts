import type { Entity } from '../src/kernel/entity.ts'
import { AIAudioFileAnalysisResult } from './AIAudioFileAnalysisResult.ts'
import { AudioFile } from './AudioFile.ts'
import { AudioFileMetricType } from './AudioFileMetricType.ts'
import { AudioFileMetricTypeStatusLog } from './AudioFileMetricTypeStatusLog.ts'
import { AudioFileMetricValue } from './AudioFileMetricValue.ts'
import { AudioFileReport } from './AudioFileReport.ts'
import { AudioFileTag } from './AudioFileTag.ts'
import { AudioWaveform } from './AudioWaveform.ts'
import { AuditLog } from './AuditLog.ts'
import { AuthToken } from './AuthToken.ts'
import { Block } from './Block.ts'
import { BoardActivity } from './BoardActivity.ts'
import { BoardPart } from './BoardPart.ts'
import { BoardSnapshot } from './BoardSnapshot.ts'
import { BoardUpdate } from './BoardUpdate.ts'
import { BoardVersion } from './BoardVersion.ts'
import { BoardVersionPart } from './BoardVersionPart.ts'
import { Booking } from './Booking.ts'
import { Bot } from './Bot.ts'
import { Catalogue } from './Catalogue.ts'
import { ChatMessage } from './ChatMessage.ts'
import { ChatRoom } from './ChatRoom.ts'
import { Comment } from './Comment.ts'
import { Diary } from './Diary.ts'
import { Image } from './Image.ts'
import { Instance } from './Instance.ts'
import { Job } from './Job.ts'
import { Like } from './Like.ts'
import { Lineage } from './Lineage.ts'
import { ListenSession } from './ListenSession.ts'
import { LogEntry } from './LogEntry.ts'
import { Match } from './Match.ts'
import { Membership } from './Membership.ts'
import { Message } from './Message.ts'
import { MusicianSketch } from './MusicianSketch.ts'
import { Notification } from './Notification.ts'
import { NotificationPreference } from './NotificationPreference.ts'
import { Permission } from './Permission.ts'
import { Playlist } from './Playlist.ts'
import { PlaylistAudioFile } from './PlaylistAudioFile.ts'
import { Presence } from './Presence.ts'
import { Profile } from './Profile.ts'
import { Project } from './Project.ts'
import { ProjectChange } from './ProjectChange.ts'
import { PushSubscription } from './PushSubscription.ts'
import { Report } from './Report.ts'
import { RightsState } from './RightsState.ts'
import { Role } from './Role.ts'
import { RolePermission } from './RolePermission.ts'
import { SearchCursor } from './SearchCursor.ts'
import { SearchEntry } from './SearchEntry.ts'
import { Session } from './Session.ts'
import { SketchFacet } from './SketchFacet.ts'
import { StorageClaim } from './StorageClaim.ts'
import { StorageMark } from './StorageMark.ts'
import { Tag } from './Tag.ts'
import { Upload } from './Upload.ts'
import { User } from './User.ts'
import { UserAudioFileAnalysis } from './UserAudioFileAnalysis.ts'
import { UserFollow } from './UserFollow.ts'
import { UserProject } from './UserProject.ts'
import { UserRole } from './UserRole.ts'

/** The 32 models of the source document. */
export const documentedEntities: Entity<any, any, any>[] = [
  AIAudioFileAnalysisResult,
  AudioFile,
  AudioFileMetricType,
  AudioFileMetricTypeStatusLog,
  AudioFileMetricValue,
  AudioFileReport,
  AudioFileTag,
  AuditLog,
  Booking,
  ChatMessage,
  ChatRoom,
  Comment,
  Image,
  Like,
  Match,
  Message,
  Notification,
  Permission,
  Playlist,
  PlaylistAudioFile,
  Profile,
  Project,
  Report,
  Role,
  RolePermission,
  Session,
  Tag,
  User,
  UserAudioFileAnalysis,
  UserFollow,
  UserProject,
  UserRole,
]

/** What the server keeps beside them. */
export const ownEntities: Entity<any, any, any>[] = [
  AudioWaveform,
  AuthToken,
  Block,
  BoardActivity,
  BoardVersion,
  BoardVersionPart,
  BoardPart,
  BoardSnapshot,
  BoardUpdate,
  Bot,
  Catalogue,
  Diary,
  Instance,
  Job,
  Lineage,
  ListenSession,
  LogEntry,
  Membership,
  MusicianSketch,
  NotificationPreference,
  Presence,
  ProjectChange,
  RightsState,
  PushSubscription,
  SearchCursor,
  SearchEntry,
  SketchFacet,
  StorageClaim,
  StorageMark,
  Upload,
]

export const entities: Entity<any, any, any>[] = [...documentedEntities, ...ownEntities]
