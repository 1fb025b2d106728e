/**
 * A row for each of `places`, given in ascending order and in pixels, so that no two of a row are nearer than `gap`. There
 * are `most` rows; what fits in none goes where it overlaps least.
 */
export function rowsOf(places: readonly number[], gap: number, most: number): number[] {
  const ends: number[] = []
  return places.map((place) => {
    let row = ends.findIndex((end) => place - end >= gap)
    if (row < 0 && ends.length < most) row = ends.length
    if (row < 0) row = ends.indexOf(Math.min(...ends))
    ends[row] = place
    return row
  })
}
