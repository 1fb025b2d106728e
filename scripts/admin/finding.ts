/** One thing that was looked at. */
export interface Finding {
  grade: 'ok' | 'warn' | 'FAIL'
  subject: string
  /** What was found, and unless all is well what to do. */
  text: string
}

export const ok = (subject: string, text: string): Finding => ({ grade: 'ok', subject, text })
export const warn = (subject: string, text: string): Finding => ({ grade: 'warn', subject, text })
export const fail = (subject: string, text: string): Finding => ({ grade: 'FAIL', subject, text })
