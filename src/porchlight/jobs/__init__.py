"""Background work, deferred in the caller's transaction and run by any worker."""
