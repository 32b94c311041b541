use super::D1Store;

crate::sql::ledgers!(D1Store, landed_by: newest);
crate::sql::managed!(D1Store, newest_by: newest);
