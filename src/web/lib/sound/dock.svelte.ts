/** What is at the foot of every page beside the player; small, as the first page loads it. */
export const dock = $state({
  /** One listens along in a room. */
  isTogether: false,
})
