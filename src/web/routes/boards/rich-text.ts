/** The editor of texts, in a chunk of its own. */
export const loadRichText = () => import('./RichText.svelte')
