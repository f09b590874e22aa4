// One file for each function, with all that it needs and nothing else: what a bundler makes of it starts two to three
// times as fast as a folder of modules, so this is how Node.js is deployed where starts count.
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const here = import.meta.dirname
const functions = readdirSync(join(here, 'functions'))

await build({
  entryPoints: functions.map((file) => ({ in: join(here, 'functions', file), out: basename(file, '.mjs') })),
  outdir: join(here, 'dist'),
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // The statements are those of the Rust functions, from their own files.
  loader: { '.sql': 'text' },
  // Native, so it stays a file beside the bundle; and a driver that pg only tries.
  external: ['@node-rs/argon2', 'pg-native'],
  logLevel: 'warning',
})
