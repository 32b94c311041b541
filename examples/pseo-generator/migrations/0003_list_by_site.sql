CREATE INDEX IF NOT EXISTS ix_content_site ON content_metadata (site, id);
