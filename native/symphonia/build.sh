#!/bin/sh
# Builds ../../src/audio/decode/symphonia.wasm. Needs cargo and `rustup target add wasm32-unknown-unknown`.
set -eu
cd "$(dirname "$0")"
# At most 96 MiB of memory an instance: a file that asks for more ends its decoder and nothing else.
RUSTFLAGS="-C target-feature=+simd128,+bulk-memory -C link-arg=--max-memory=100663296 \
  --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=." \
  cargo build --locked --release --target wasm32-unknown-unknown
cp target/wasm32-unknown-unknown/release/phantom_power_symphonia.wasm ../../src/audio/decode/symphonia.wasm
