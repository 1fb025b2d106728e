// Loaded into each test process: a test that still runs when its runner has been killed ends, too.
process.on('disconnect', () => process.exit(1))
