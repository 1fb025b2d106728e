import type { z } from 'zod'
import type { emissions, events } from '../../rooms/index.ts'
import type { ClientEvents, ServerEmissions } from '../../src/client/index.ts'
import type { EmissionDef, EventDef } from '../../src/kernel/event.ts'

// The client's types are written out, so that programs which use it need neither the server's sources nor its
// libraries. The compiler proves here that they agree with the server's declarations: each line below fails to
// compile, naming the events, where one is missing or differs.

type Declared = {
  [E in (typeof events)[number] as E['name']]: E extends EventDef<string, infer P, infer A, any>
    ? { payload: z.input<P>; data: z.output<A> }
    : never
}
type Told = {
  [E in (typeof emissions)[number] as E['name']]: E extends EmissionDef<string, infer P> ? z.output<P> : never
}

/** Fields with a default are optional as declared, but always sent: presence is not compared, names and types are. */
type Sent<T> = T extends (infer Item)[]
  ? Sent<Item>[]
  : T extends object
    ? { [K in keyof T]-?: Sent<Exclude<T[K], undefined>> }
    : T

type Names<T> = Extract<keyof T, string>

/** Events that the server declares and the client does not know. */
type UnknownEvents = Exclude<Names<Declared>, Names<ClientEvents>>
/** Events whose payload, as the client types it, the server would not take. */
type WrongPayloads = {
  [N in Names<Declared> & Names<ClientEvents>]: ClientEvents[N]['payload'] extends Declared[N]['payload'] ? never : N
}[Names<Declared> & Names<ClientEvents>]
/**
 * Events whose ack is not what the client says. `log:sync` is left out: its declaration has all fields of both kinds of
 * answer optional, where the client tells the two apart.
 */
type WrongAcks = {
  [N in Names<Declared> & Names<ClientEvents>]: Sent<Declared[N]['data']> extends ClientEvents[N]['data'] ? never : N
}[Names<Declared> & Names<ClientEvents>]
type UnknownEmissions = Exclude<Names<Told>, Names<ServerEmissions>>
type WrongEmissions = {
  [N in Names<Told> & Names<ServerEmissions>]: Sent<Told[N]> extends ServerEmissions[N] ? never : N
}[Names<Told> & Names<ServerEmissions>]

type None<T extends never> = T

export type Agreement = [
  None<UnknownEvents>,
  None<WrongPayloads>,
  None<Exclude<WrongAcks, 'log:sync'>>,
  None<UnknownEmissions>,
  None<WrongEmissions>,
]
