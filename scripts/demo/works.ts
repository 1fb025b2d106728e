import type { Piece } from './synth.ts'

/** A recording of the demonstration; its maker and title make it the same at each run. */
export interface DemoRecording {
  by: string
  title: string
  description?: string
  visibility: 'public' | 'private'
  tags: string[]
  piece: Piece
  likes: string[]
  comments: { by: string; at?: number; text: string }[]
}

export interface DemoProject {
  owner: string
  title: string
  description: string
  isOpen: boolean
  members: [who: string, role: string][]
  /** Cards by column: To do, Doing, Done. */
  cards: DemoCard[]
  bookings: DemoBooking[]
}

export interface DemoCard {
  column: 'todo' | 'doing' | 'done'
  title: string
  text?: string
  labels?: string[]
  who?: string[]
  /** Days from now. */
  dueIn?: number
  checklist?: [text: string, isDone: boolean][]
}

export interface DemoBooking {
  who: string
  role: string
  /** Days from now, and the hours from and to; none yet where it is missing. */
  on?: [days: number, from: number, to: number]
  /** How far it has come. */
  state: 'requested' | 'confirmed' | 'completed' | 'cancelled'
  /** Whether the one who is to play has asked for it. */
  isOffer?: boolean
}

export const recordings: DemoRecording[] = [
  {
    by: 'ines',
    title: 'Night Ferry (demo)',
    description: 'Voice comes later. The drum machine stays, I think.',
    visibility: 'public',
    tags: ['indie', 'demo', 'drum machine'],
    piece: { tempo: 96, tonic: 45, isMinor: true, chords: [0, 5, 2, 6], drums: 0.7, bass: 0.9, pad: 1, lead: 0.5 },
    likes: ['maya', 'theo', 'noor', 'jun'],
    comments: [
      { by: 'maya', at: 5, text: 'Love how long it takes until the drums come in. Do not shorten this.' },
      { by: 'theo', at: 12.5, text: 'I hear a second bass line here, an octave up. May I?' },
      { by: 'jun', text: 'The pad breathes like a machine that is asleep.' },
    ],
  },
  {
    by: 'theo',
    title: 'Flatwound groove in E',
    visibility: 'public',
    tags: ['bass', 'soul', 'groove'],
    piece: { tempo: 104, tonic: 40, isMinor: true, chords: [0, 0, 3, 4], drums: 1, bass: 1, pad: 0.3, lead: 0 },
    likes: ['rosa', 'caleb'],
    comments: [{ by: 'rosa', at: 9, text: 'Congas would sit right between the snare and you.' }],
  },
  {
    by: 'jun',
    title: 'Loop Line, 5 a.m.',
    description: 'One patch, one take. The clicks are the train.',
    visibility: 'public',
    tags: ['ambient', 'field recording'],
    piece: { tempo: 72, tonic: 50, isMinor: false, chords: [0, 3, 0, 4], drums: 0, bass: 0.4, pad: 1, lead: 0.7 },
    likes: ['ines', 'sena', 'noor'],
    comments: [{ by: 'noor', at: 20, text: 'This chord. Every time.' }],
  },
  {
    by: 'rosa',
    title: 'Tuesday class, first take',
    visibility: 'public',
    tags: ['percussion', 'latin'],
    piece: { tempo: 122, tonic: 43, isMinor: false, chords: [0, 3, 4, 0], drums: 1, bass: 0.6, pad: 0.2, lead: 0.9 },
    likes: ['theo'],
    comments: [],
  },
  {
    by: 'maya',
    title: 'Night Ferry, rough mix 2',
    description: 'Less reverb, the bass two dB up. Not for the others yet.',
    visibility: 'private',
    tags: ['mixing'],
    piece: { tempo: 96, tonic: 45, isMinor: true, chords: [0, 5, 2, 6], drums: 0.9, bass: 1, pad: 0.7, lead: 0.8 },
    likes: [],
    comments: [],
  },
  {
    by: 'maya',
    title: 'Room drums, harbour side',
    visibility: 'public',
    tags: ['drums', 'indie', 'mixing'],
    piece: { tempo: 128, tonic: 48, isMinor: false, chords: [0, 4, 5, 3], drums: 1, bass: 0.5, pad: 0.4, lead: 0.3 },
    likes: ['ines', 'dmitri'],
    comments: [{ by: 'dmitri', at: 8, text: 'Which microphones are these? The room sounds twice its size.' }],
  },
]

/** Playlists by whose they are, of recordings by title. */
export const playlists: { by: string; name: string; description: string; isPublic: boolean; titles: string[] }[] = [
  {
    by: 'maya',
    name: 'Night Ferry references',
    description: 'What the EP should stand beside.',
    isPublic: true,
    titles: ['Night Ferry (demo)', 'Loop Line, 5 a.m.', 'Flatwound groove in E'],
  },
  {
    by: 'maya',
    name: 'To mix this week',
    description: 'Mine alone.',
    isPublic: false,
    titles: ['Night Ferry, rough mix 2', 'Room drums, harbour side'],
  },
  {
    by: 'theo',
    name: 'Low end',
    description: 'Recordings with a bass that knows what it wants.',
    isPublic: true,
    titles: ['Flatwound groove in E', 'Tuesday class, first take', 'Night Ferry (demo)'],
  },
]

export const projects: DemoProject[] = [
  {
    owner: 'maya',
    title: 'Night Ferry EP',
    description: 'Four songs by Inês, to be out before summer.',
    isOpen: true,
    members: [
      ['ines', 'songwriter'],
      ['theo', 'editor'],
      ['noor', 'viewer'],
    ],
    cards: [
      { column: 'todo', title: 'Book the harbour room for drums', labels: ['studio'], who: ['maya'], dueIn: 6 },
      {
        column: 'todo',
        title: 'Backing vocals for the chorus',
        text: 'Three voices, close, no reverb on the way in.',
        labels: ['vocals'],
        who: ['ines'],
      },
      { column: 'todo', title: 'Ask for the cover', dueIn: 20 },
      {
        column: 'doing',
        title: 'Mix the second song',
        text: 'Less reverb on the snare.\nThe bass may be louder.',
        labels: ['mix', 'bass'],
        who: ['maya', 'theo'],
        dueIn: 2,
        checklist: [
          ['Drums', true],
          ['Bass', true],
          ['Vocals', false],
        ],
      },
      { column: 'doing', title: 'Bass for the last song', labels: ['bass'], who: ['theo'], dueIn: -1 },
      { column: 'done', title: 'Choose four of the nine demos', who: ['ines', 'maya'] },
      { column: 'done', title: 'Find a name' },
    ],
    bookings: [
      { who: 'theo', role: 'bass', on: [-5, 10, 14], state: 'completed' },
      { who: 'theo', role: 'bass, last song', on: [3, 18, 21], state: 'confirmed' },
      { who: 'rosa', role: 'congas', on: [3, 15, 17], state: 'requested' },
      { who: 'noor', role: 'strings', on: [8, 11, 16], state: 'confirmed' },
      { who: 'caleb', role: 'drums', on: [-2, 10, 13], state: 'cancelled' },
      { who: 'dmitri', role: 'second opinion', on: [1, 20, 21], state: 'requested', isOffer: true },
      { who: 'ines', role: 'vocals', state: 'requested' },
    ],
  },
  {
    owner: 'theo',
    title: 'Low Tide, live in May',
    description: 'A set of forty minutes, all of it with people who breathe.',
    isOpen: true,
    members: [
      ['maya', 'editor'],
      ['rosa', 'percussion'],
    ],
    cards: [
      { column: 'todo', title: 'Write the set list', who: ['theo'], dueIn: 11 },
      { column: 'todo', title: 'Who brings the small desk?', labels: ['gear'] },
      {
        column: 'doing',
        title: 'Ask three venues',
        labels: ['live'],
        who: ['rosa'],
        checklist: [
          ['The Barge', true],
          ['Hall 7', false],
        ],
      },
      { column: 'done', title: 'Agree on a fee' },
    ],
    bookings: [
      { who: 'maya', role: 'front of house', on: [5, 17, 23], state: 'requested' },
      { who: 'rosa', role: 'congas', on: [5, 19, 23], state: 'confirmed' },
      { who: 'maya', role: 'rehearsal recording', on: [-9, 18, 21], state: 'completed' },
    ],
  },
  {
    owner: 'jun',
    title: 'Field notes',
    description: 'A library of stations, ports and rain. Everybody may add.',
    isOpen: true,
    members: [['sena', 'editor']],
    cards: [
      { column: 'todo', title: 'Names for the files', labels: ['library'] },
      { column: 'doing', title: 'Record the Loop Line before six', who: ['jun'] },
    ],
    bookings: [],
  },
]

/** Who follows whom. */
export const follows: [who: string, whom: string][] = [
  ['ines', 'maya'],
  ['theo', 'maya'],
  ['noor', 'maya'],
  ['maya', 'ines'],
  ['maya', 'jun'],
  ['rosa', 'theo'],
  ['jun', 'ines'],
]
