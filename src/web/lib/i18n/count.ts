/** A number with its noun: `count(2, 'card', 'cards')` is "2 cards". */
export const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`
