// Compiler settings that vite and svelte-check share: runes everywhere.
export default { compilerOptions: { runes: true } };
