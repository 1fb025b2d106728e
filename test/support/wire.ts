import type { ValidateFunction } from 'ajv'
import { expect } from 'vitest'
import { compileSchema, dataModels } from '../models/modelSchemas.ts'

const validators = new Map<string, ValidateFunction>()

/** The validator of a model of the source document. Throws where there is no such model. */
function validatorOf(model: string): ValidateFunction {
  let validate = validators.get(model)
  if (!validate) {
    const known = dataModels[model]
    if (!known) throw new Error(`There is no model ${model}`)
    validate = compileSchema(known.schema)
    validators.set(model, validate)
  }
  return validate
}

/** Holds what came over the wire against a model of the source document, and gives it back. */
export function expectModel<T = any>(model: string, value: T): T {
  const validate = validatorOf(model)
  if (!validate(value)) {
    const faults = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
    expect.fail(`not a ${model}: ${faults.join('; ')}\n${JSON.stringify(value, null, 2)}`)
  }
  // Never on the wire, though the model of User names it.
  expect(JSON.stringify(value)).not.toContain('passwordHash')
  return value
}

/** Holds a page of a list against a model, and gives its items back. */
export function expectPage<T = any>(model: string, page: { items: T[]; nextCursor: string | null }): T[] {
  expect(Array.isArray(page.items)).toBe(true)
  expect(page.nextCursor === null || typeof page.nextCursor === 'string').toBe(true)
  for (const item of page.items) expectModel(model, item)
  return page.items
}
