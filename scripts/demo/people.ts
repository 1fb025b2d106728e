/** A musician of the demonstration. `key` names them in the talk; the e-mail address makes them the same at each run. */
export interface DemoPerson {
  key: string
  name: string
  location: string
  bio: string
  tags: string[]
  /** What they say of themselves beside their status. */
  presence: { text: string; chosen: 'online' | 'away' | 'dnd' }
}

export const demoPassword = 'play it again'

export const emailOf = (key: string) => `${key}@example.com`

export const people: DemoPerson[] = [
  {
    key: 'maya',
    name: 'Maya Lindqvist',
    location: 'Gothenburg, Sweden',
    bio: 'Mixing engineer, sometimes producer. I like drums in rooms and vocals that sound like a person. Two small rooms by the harbour, one good pair of monitors.',
    tags: ['mixing', 'producer', 'indie'],
    presence: { text: 'Printing stems until six', chosen: 'dnd' },
  },
  {
    key: 'theo',
    name: 'Theo Okafor',
    location: 'London, UK',
    bio: 'Bass, electric and upright. Played in wedding bands for ten years, so yes, I know that one. Flatwounds forever.',
    tags: ['bass', 'soul', 'session'],
    presence: { text: 'On the train, headphones on', chosen: 'online' },
  },
  {
    key: 'ines',
    name: 'Inês Duarte',
    location: 'Lisbon, Portugal',
    bio: 'Singer and songwriter. Grew up on fado, ended up with drum machines. Writing the Night Ferry EP this year.',
    tags: ['vocals', 'songwriting', 'indie'],
    presence: { text: 'Writing, answers come late', chosen: 'away' },
  },
  {
    key: 'jun',
    name: 'Jun Takeda',
    location: 'Osaka, Japan',
    bio: 'Modular synthesizers, tape loops, field recordings of trains. I release one long piece a month.',
    tags: ['synthesizers', 'ambient', 'field recording'],
    presence: { text: 'Re-patching. Again.', chosen: 'online' },
  },
  {
    key: 'rosa',
    name: 'Rosa Vidal',
    location: 'Valencia, Spain',
    bio: 'Percussion: congas, cajón, anything that was once a kitchen tool. I teach on Tuesdays and play on all other days.',
    tags: ['percussion', 'latin', 'session'],
    presence: { text: 'Teaching until 20:00', chosen: 'away' },
  },
  {
    key: 'dmitri',
    name: 'Dmitri Hale',
    location: 'Bristol, UK',
    bio: 'Pianist and composer for film. My upright has felt on the hammers and a cat on the lid.',
    tags: ['piano', 'film', 'arranging'],
    presence: { text: 'Cue 7 of 12', chosen: 'dnd' },
  },
  {
    key: 'amara',
    name: 'Amara Diallo',
    location: 'Dakar, Senegal',
    bio: 'Kora player, third generation. Looking for people who listen before they play. I record at night, when the street is quiet.',
    tags: ['kora', 'acoustic', 'folk'],
    presence: { text: 'Tuning 21 strings', chosen: 'online' },
  },
  {
    key: 'noor',
    name: 'Noor Haddad',
    location: 'Berlin, Germany',
    bio: 'Violin and viola. Quarter tones welcome. I write string parts for other people and record them at home, dry or in the stairwell.',
    tags: ['violin', 'strings', 'arranging'],
    presence: { text: 'In the stairwell', chosen: 'online' },
  },
  {
    key: 'caleb',
    name: 'Caleb Whitaker',
    location: 'Nashville, USA',
    bio: 'Pedal steel and baritone guitar. Slow hands, long notes. Will play on your sad song.',
    tags: ['pedal steel', 'guitar', 'country'],
    presence: { text: 'Six hours behind you', chosen: 'online' },
  },
  {
    key: 'priya',
    name: 'Priya Raman',
    location: 'Chennai, India',
    bio: 'Carnatic vocals, loops and a stubborn laptop. Interested in what happens when a raga meets a kick drum.',
    tags: ['vocals', 'carnatic', 'electronic'],
    presence: { text: 'Concert season', chosen: 'dnd' },
  },
  {
    key: 'lukas',
    name: 'Lukas Brandt',
    location: 'Leipzig, Germany',
    bio: 'Drummer. Small kits, big rooms. I send takes with four mics and a photo of how they stood.',
    tags: ['drums', 'indie', 'session'],
    presence: { text: 'New heads. Do not disturb the snare', chosen: 'online' },
  },
  {
    key: 'sena',
    name: 'Sena Yıldız',
    location: 'Istanbul, Türkiye',
    bio: 'DJ and producer: slow techno, old saz records, long transitions. Residency every second Friday.',
    tags: ['electronic', 'dj', 'producer'],
    presence: { text: 'Sleeping off Friday', chosen: 'away' },
  },
]
