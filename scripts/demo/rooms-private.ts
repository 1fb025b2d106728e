import type { DemoConversation, DemoRoom } from './talk.ts'

export const privateRooms: DemoRoom[] = [
  {
    key: 'night-ferry',
    name: 'Night Ferry EP',
    topic: 'Five songs, mixed by the end of the month',
    visibility: 'private',
    owner: 'ines',
    moderators: ['maya'],
    members: ['theo', 'lukas', 'caleb'],
    unread: { caleb: 2, lukas: 5 },
    talk: [
      {
        by: 'ines',
        text: 'Everyone in? Five songs, the order is on the wall here: Harbour, Salt, Night Ferry, Letter, Home. Keys and tempos are in the sheet. Please shout before you change a key.',
        pinned: true,
        reactions: { '⚓': ['theo', 'lukas', 'caleb', 'maya'] },
      },
      {
        by: 'maya',
        as: 'deadlines',
        text: 'Deadlines from me: drums and bass by the 16th, steel and backing vocals by the 21st, mixes on the 28th. If something slips, tell me the day before and not the day after.',
        pinned: true,
      },
      { by: 'lukas', to: 'deadlines', text: '16th is fine, I have the big room on the 14th.' },
      {
        by: 'theo',
        to: 'deadlines',
        text: 'Bass on Harbour and Salt is done. Night Ferry I want to redo: I play too much in the second verse.',
      },
      {
        by: 'ines',
        as: 'too-much',
        text: 'You do, but I like the one walk down to the chorus. Keep that, throw the rest into the sea.',
      },
      {
        by: 'theo',
        to: 'too-much',
        text: 'One walk, rest overboard. New take tonight.',
        reactions: { '🌊': ['ines', 'maya'] },
      },
      {
        by: 'caleb',
        text: 'Listened to Night Ferry on the porch twice. I would come in after "the lights are someone else\'s", not before. The voice is alone there and should be.',
      },
      {
        by: 'ines',
        text: 'That is exactly the line. Yes. And then all the way to the end?',
        reactions: { '❤️': ['caleb'] },
      },
      {
        by: 'caleb',
        was: 'To the end, but the last four bars I would leave the pedals alone and only hold.',
        text: 'To the end, but for the last four bars I would leave the pedals alone and only hold. Let the reverb do the leaving.',
        reactions: { '😭': ['ines', 'lukas'], '🔥': ['maya'] },
      },
      {
        by: 'maya',
        as: 'rough',
        text: 'Rough mix of Salt is in the folder. Vocal is dry on purpose, do not panic. Tell me about the balance of kick and bass, nothing else yet.',
      },
      {
        by: 'lukas',
        to: 'rough',
        text: 'Kick is right. I would take one dB of bass off in the verses and give it back in the chorus.',
      },
      {
        by: 'theo',
        to: 'rough',
        text: 'As the bass player I object, and as a listener he is right.',
        reactions: { '😂': ['lukas', 'maya', 'ines'] },
      },
      { by: 'ines', text: '@Maya Lindqvist is that my breath before the second verse, or a train?' },
      { by: 'maya', text: 'A breath. I love it. It stays, unless you tell me three times.' },
      { by: 'ines', text: 'Once. It can stay.' },
      {
        by: 'lukas',
        text: 'Drum takes for Night Ferry and Letter are up. Take 3 of the ferry song has a chair in it at 2:10, and it is in time, so I left it.',
        reactions: { '🪑': ['theo', 'ines', 'maya'] },
      },
      {
        by: 'caleb',
        text: 'Steel comes on the 19th. I am sending two passes: one that behaves and one that does not.',
      },
      { by: 'maya', text: 'I will use the one that does not. See you on the 19th.' },
    ],
  },
  {
    key: 'lighthouse',
    name: 'The Lighthouse: score',
    topic: 'Six minutes of music for nineteen minutes of film. Picture is locked',
    visibility: 'private',
    owner: 'dmitri',
    members: ['noor', 'amara', 'priya'],
    unread: { priya: 4, amara: 1 },
    talk: [
      {
        by: 'dmitri',
        text: 'Picture is locked as of this morning, so timecodes are final. Four cues: Stairs, Lamp, Storm, Morning. Click tracks and a piano sketch of each are in the folder.',
        pinned: true,
        reactions: { '🎬': ['noor', 'amara', 'priya'] },
      },
      {
        by: 'noor',
        as: 'stairs',
        text: 'Stairs is done: four violins, two violas. There is one wrong note in layer 3 at bar 9 that I think is the right note. Listen before you fix it.',
      },
      {
        by: 'dmitri',
        to: 'stairs',
        text: 'The wrong note is the cue. I have moved the piano out of its way.',
        reactions: { '🎻': ['noor', 'priya'] },
      },
      {
        by: 'priya',
        text: 'For Storm I tried the voice as wind, no words, three octaves. The director wants "less opera". I have never sung opera in my life.',
      },
      {
        by: 'dmitri',
        text: 'Less opera from a director means less vibrato. Try the same line straight, and closer to the microphone.',
      },
      {
        by: 'priya',
        as: 'straight',
        text: 'Straight and close is in the folder. It is a bit frightening, I had to turn the light on.',
      },
      {
        by: 'noor',
        to: 'straight',
        text: 'Turned mine on as well. Keep it.',
        reactions: { '😱': ['dmitri', 'amara'] },
      },
      {
        by: 'amara',
        as: 'morning',
        text: 'Morning: I recorded before the first bus, 5:20. You can hear one bird. I can play it again without the bird, but I think that the bird came for the film.',
      },
      {
        by: 'dmitri',
        to: 'morning',
        was: 'The bird stays.',
        text: 'The bird stays, and gets a credit.',
        reactions: { '🐦': ['amara', 'noor', 'priya'], '❤️': ['amara'] },
      },
      {
        by: 'noor',
        text: '@Amara Diallo may I put one long harmonic under your last phrase? Very quiet. You can say no.',
      },
      { by: 'amara', text: 'Yes, if it ends before the last string does.' },
      {
        by: 'dmitri',
        text: 'First pass of all four against picture goes to the director on Thursday. If you want to change something, Wednesday night is the wall.',
      },
      { by: 'priya', text: 'One more try at Storm tomorrow, then I leave it alone. I promise.' },
    ],
  },
]

export const conversations: DemoConversation[] = [
  {
    key: 'maya-ines',
    between: ['maya', 'ines'],
    unread: { ines: 2 },
    talk: [
      { by: 'ines', text: 'Do you have half an hour tomorrow for the esses?' },
      { by: 'maya', text: 'At ten. Bring the ferry song with the dry vocal, and tea.' },
      { by: 'ines', text: 'Tea I can only promise on my side of Europe.', reactions: { '😂': ['maya'] } },
      {
        by: 'maya',
        text: 'By the way, the second chorus of Letter is the best thing that you have sung so far. I did not want to say it in front of the bass player.',
      },
      { by: 'maya', was: 'Ten my time.', text: 'Ten my time, nine yours.' },
    ],
  },
  {
    key: 'theo-lukas',
    between: ['theo', 'lukas'],
    unread: {},
    talk: [
      { by: 'theo', text: 'Honest answer please: is the soul one too slow at 92?' },
      { by: 'lukas', text: 'No. It is too long. Cut the second half of the intro and it is fast.' },
      { by: 'theo', text: 'Annoyingly, yes.', reactions: { '🥁': ['lukas'] } },
      { by: 'lukas', text: 'Brushes or wallet?' },
      { by: 'theo', text: 'We have been through this. Wallet.' },
    ],
  },
  {
    key: 'dmitri-noor',
    between: ['dmitri', 'noor'],
    unread: { dmitri: 1 },
    talk: [
      {
        by: 'dmitri',
        text: 'The invoice can go to the production company, I have told them to pay within 14 days. If they do not, tell me and I will write the sad email.',
      },
      { by: 'noor', text: 'Thank you. I have a sad email template myself, it is in D minor.' },
      { by: 'dmitri', text: 'Of course it is.' },
      { by: 'noor', text: 'Sent. And the stairwell is free on Saturday if you want two more layers on Morning.' },
    ],
  },
  {
    key: 'jun-sena',
    between: ['jun', 'sena'],
    unread: { sena: 3 },
    talk: [
      {
        by: 'sena',
        text: 'I played your train piece at six in the morning, under a saz loop. Two people asked what it was. One of them was crying, but he had been crying before.',
      },
      { by: 'jun', text: 'That is the best review I have had. Which train?', reactions: { '🚆': ['sena'] } },
      { by: 'jun', text: 'If it was the Hankai line, I have forty more minutes of it, with rain.' },
      { by: 'jun', text: 'I am uploading it in any case.' },
    ],
  },
  {
    key: 'rosa-priya',
    between: ['rosa', 'priya'],
    unread: { rosa: 1 },
    talk: [
      { by: 'priya', text: 'The loop, and me singing badly as ordered. Be kind.' },
      {
        by: 'rosa',
        text: 'It is 2-3. You start on the side with two, that is why the machine sounds drunk. Move the clave half a phrase and leave your voice where it is.',
      },
      { by: 'priya', text: 'It works!! It was one click!!', reactions: { '🎉': ['rosa'] } },
      { by: 'rosa', text: 'It is always one click. Finding it takes thirty years.' },
      { by: 'priya', text: 'What do I owe you?' },
    ],
  },
]
