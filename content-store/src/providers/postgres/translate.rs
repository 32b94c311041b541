//! The statements of this crate in Postgres's words.
//!
//! Six things differ: placeholders, lists read from JSON, lists gathered into JSON, text found in text, the rows a claim
//! passes over, and what a failed insert leaves behind, which in Postgres is nothing.

/// The statement with `$N`, `jsonb_array_elements` and `FOR UPDATE SKIP LOCKED`.
pub(crate) fn statement(sql: &str) -> String {
    let sql = sql
        .replace("json_group_array(", "jsonb_agg(")
        .replace("instr(", "strpos(")
        .replace("INSERT OR FAIL INTO", "INSERT INTO")
        .replace("/* skip locked */", "FOR UPDATE SKIP LOCKED");
    let mut out = String::with_capacity(sql.len() + 64);
    let mut rest = sql.as_str();
    while let Some((before, after)) = rest.split_once("json_each(") {
        let (list, after) = after.split_at(closing(after));
        let after = after.strip_prefix(')').unwrap_or(after);
        out += before;
        // A name makes it a table of rows that are read cell by cell; without one it is a list of texts.
        if let Some(after) = after.strip_prefix(" n") {
            out +=
                &format!("jsonb_array_elements(CAST(CAST({list} AS text) AS jsonb)) WITH ORDINALITY AS n(value, key)");
            rest = after;
        } else {
            out += &format!("jsonb_array_elements_text(CAST(CAST({list} AS text) AS jsonb))");
            rest = after;
        }
    }
    out += rest;
    out.replace('?', "$")
}

/// Where the parenthesis closes that was open at the start.
fn closing(text: &str) -> usize {
    let mut open = 1;
    for (at, sign) in text.char_indices() {
        match sign {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    text.len()
}

/// A statement of a migration: 64-bit numbers, and text ordered by its bytes as SQLite orders it.
pub(super) fn schema(sql: &str) -> String {
    let table = match sql.rfind(')') {
        Some(end) if sql.starts_with("CREATE TABLE") => &sql[..=end],
        _ => sql,
    };
    table
        .replace(" INTEGER", " BIGINT")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_translated() {
        for (shared, postgres) in [
            (
                "SELECT 1 WHERE a = ?1 AND b = CAST(?12 AS BIGINT)",
                "SELECT 1 WHERE a = $1 AND b = CAST($12 AS BIGINT)",
            ),
            (
                "id IN (SELECT value FROM json_each((SELECT r FROM o WHERE id = ?1)))",
                "id IN (SELECT value FROM jsonb_array_elements_text(CAST(CAST((SELECT r FROM o WHERE id = $1) AS text) AS jsonb)))",
            ),
            (
                "SELECT n.value ->> 0 FROM json_each(?3) n WHERE x",
                "SELECT n.value ->> 0 FROM jsonb_array_elements(CAST(CAST($3 AS text) AS jsonb)) WITH ORDINALITY AS n(value, key) WHERE x",
            ),
            ("instr(?7, 'x') > 0", "strpos($7, 'x') > 0"),
            ("INSERT OR FAIL INTO t (a)", "INSERT INTO t (a)"),
            (
                "json_group_array(id) /* skip locked */",
                "jsonb_agg(id) FOR UPDATE SKIP LOCKED",
            ),
        ] {
            assert_eq!(statement(shared), postgres);
        }
    }

    #[test]
    fn tables_lose_what_only_sqlite_knows() {
        let table = "CREATE TABLE IF NOT EXISTS t (\n  a TEXT NOT NULL,\n  n INTEGER,\n  CHECK (n > 0)\n) STRICT, WITHOUT ROWID";
        let expected =
            "CREATE TABLE IF NOT EXISTS t (\n  a TEXT COLLATE \"C\" NOT NULL,\n  n BIGINT,\n  CHECK (n > 0)\n)";
        assert_eq!(schema(table), expected);
        let index = "CREATE INDEX IF NOT EXISTS i ON t (a) WHERE s IN ('x')";
        assert_eq!(schema(index), index);
    }
}
