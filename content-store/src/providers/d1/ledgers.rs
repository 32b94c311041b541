use super::D1Store;

crate::sql::ledgers!(D1Store, landed_by: read);
crate::sql::managed!(D1Store);
