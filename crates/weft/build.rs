//! Embeds the dashboard that `npm run build` has left in web/dist, compressed; without one the binary
//! is built all the same and its page says what is missing.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let dist = Path::new("../../web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(dist, &mut files)?;
    }
    files.sort();
    let mut list = String::from("/// The files of the dashboard.\nconst ASSETS: &[Asset] = &[\n");
    for (number, file) in files.iter().enumerate() {
        let packed = out.join(format!("asset-{number}.gz"));
        fs::write(&packed, gzipped(&fs::read(file)?)?)?;
        let path = file.strip_prefix(dist).map_err(io::Error::other)?.display().to_string();
        let kind = kind(file);
        let packed = packed.display().to_string();
        let _ = writeln!(
            list,
            "    Asset {{ path: {:?}, kind: {kind:?}, gzipped: include_bytes!({packed:?}) }},",
            format!("/{path}")
        );
    }
    list.push_str("];\n");
    fs::write(out.join("dashboard.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn gzipped(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
