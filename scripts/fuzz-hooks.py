"""What schemathesis does not know of our routes by itself; `scripts/fuzz-api.ts` has it loaded."""

import schemathesis

# The tus protocol's own name for bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
