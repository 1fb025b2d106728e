/** A small set, for music and for talk; `words` are what one types to find it. */
export const emojis: { char: string; words: string }[] = [
  ...list('👍 thumbs up yes|👎 thumbs down no|❤️ heart love|🔥 fire hot|😂 laugh tears joy|🙌 hands praise hooray'),
  ...list('👏 clap applause|🎉 party tada|😍 heart eyes|🤘 rock horns metal|🤯 mind blown|👀 eyes look|💯 hundred'),
  ...list('🎸 guitar|🥁 drum|🎹 piano keys|🎷 saxophone|🎺 trumpet|🎻 violin|🪕 banjo|🪗 accordion|🎤 microphone sing'),
  ...list('🎧 headphones listen|🎚️ fader level|🎛️ knobs mixer|🎙️ studio microphone|🎵 note|🎶 notes music|🎼 score'),
  ...list('🔊 loud speaker|🔇 mute silent|🔈 quiet|📻 radio|💿 cd disc|📀 dvd|🎬 take clapper|⏺️ record|▶️ play|⏸️ pause'),
  ...list('🙂 smile|😀 grin|😄 happy|😊 blush|😉 wink|😎 cool sunglasses|🤔 think|🤨 eyebrow|😅 sweat|🙃 upside down'),
  ...list('😭 cry sob|😢 sad|😮 wow surprised|😱 scream|😴 sleep tired|🥱 yawn|🤩 star|🥳 celebrate|😤 huff|😇 angel'),
  ...list('🙏 thanks please|💪 strong|👌 ok perfect|✌️ peace|🤞 fingers crossed|👋 wave hello bye|🤝 handshake deal'),
  ...list(
    '✅ check done|❌ cross no|⚠️ warning|❓ question|❗ exclamation|💡 idea|📌 pin|🗓️ date calendar|⏰ alarm time',
  ),
  ...list(
    '⚡ power volt lightning|🌙 night moon|☀️ sun day|🌈 rainbow|☕ coffee|🍺 beer|🍕 pizza|🚀 rocket ship|🎯 target',
  ),
  ...list(
    '💔 broken heart|💜 purple heart|💙 blue heart|💚 green heart|🖤 black heart|✨ sparkles|⭐ star|🏆 trophy win',
  ),
]

/** The first row: reactions at hand. */
export const quickEmojis = ['👍', '❤️', '🔥', '😂', '🎸', '👏']

function list(text: string): { char: string; words: string }[] {
  return text.split('|').map((each) => {
    const [char, ...words] = each.split(' ')
    return { char: char!, words: words.join(' ') }
  })
}
