//! `cargo xtask`.
mod sample;
fn main() -> anyhow::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    println!("{} topics", sample::write(&root)?);
    Ok(())
}
