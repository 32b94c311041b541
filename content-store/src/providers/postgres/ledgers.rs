use super::PostgresStore;

// A change still being made is waited for, so the one that looks for it asks as a writer does.
crate::sql::ledgers!(PostgresStore, landed_by: landed);
crate::sql::managed!(PostgresStore, newest_by: read);
