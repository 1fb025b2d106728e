/// <reference types="svelte" />
/// <reference types="vite/client" />

// What the compiler makes of a component; its props are checked by Svelte's own compiler alone.
declare module '*.svelte' {
  import type { Component } from 'svelte'

  const component: Component<any>
  export default component
}
