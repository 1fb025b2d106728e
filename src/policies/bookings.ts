import type { BookingDoc } from '../../models/Booking.ts'

export type BookingStatus = BookingDoc['status']

/** On which sides of a booking somebody stands; the owner of the project can be the one who is to play. */
export interface BookingSides {
  /** Leads the project. */
  isOwner: boolean
  /** Is the one who is to play. */
  isUser: boolean
}

const next: Record<BookingStatus, readonly BookingStatus[]> = {
  requested: ['confirmed', 'cancelled'],
  confirmed: ['completed', 'cancelled'],
  cancelled: [],
  completed: [],
}

export const bookingPolicy = {
  /** Which changes of status there are. */
  follows: (from: BookingStatus, to: BookingStatus) => next[from].includes(to),
  /** What is asked by the one side is confirmed by the other. */
  confirm: ({ isOwner, isUser }: BookingSides, requestedBy: 'owner' | 'user') =>
    requestedBy === 'owner' ? isUser : isOwner,
  /** Either side cancels, and says that it is done. */
  end: ({ isOwner, isUser }: BookingSides) => isOwner || isUser,
  /** What was asked for is changed by the side that asked. */
  edit: ({ isOwner, isUser }: BookingSides, requestedBy: 'owner' | 'user') =>
    requestedBy === 'owner' ? isOwner : isUser,
}
