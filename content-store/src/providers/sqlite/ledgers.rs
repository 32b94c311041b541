use super::SqliteStore;

// An op still in the writer's queue answers after it has landed, so the writer is asked.
crate::sql::ledgers!(SqliteStore, landed_by: write);
crate::sql::managed!(SqliteStore, newest_by: read);
