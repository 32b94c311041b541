use super::D1HttpStore;

crate::sql::ledgers!(D1HttpStore, landed_by: read);
crate::sql::managed!(D1HttpStore, newest_by: read);
