export interface Question {
  title: string
  text?: string
  action: string
  danger?: boolean
}

class Confirm {
  question = $state.raw<Question | null>(null)
  #answer: ((yes: boolean) => void) | null = null

  /** Asks and resolves with the answer; a question that is replaced by another counts as a no. */
  ask(question: Question): Promise<boolean> {
    this.answer(false)
    this.question = question
    return new Promise((resolve) => {
      this.#answer = resolve
    })
  }

  answer(yes: boolean): void {
    const answer = this.#answer
    this.#answer = null
    this.question = null
    answer?.(yes)
  }
}

export const confirmation = new Confirm()
