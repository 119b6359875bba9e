"""The gRPC side: messages to values and back, errors to statuses, one log line a call. No picture code."""
