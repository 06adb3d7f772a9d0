/** A Node process that does nothing: what any program on Node begins with. */
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
