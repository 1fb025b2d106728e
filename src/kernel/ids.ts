import { isValid, monotonicFactory } from 'ulidx'

const next = monotonicFactory()

/** A new id: a ULID of 26 characters, monotonic within this process. */
export const newId = (): string => next()

/** Whether a text is a well-formed ULID. */
export const isId = (text: string): boolean => isValid(text)
