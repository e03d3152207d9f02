//! Writes the seeds of all fuzz targets where cargo-fuzz begins: `seeds FOLDER` makes `FOLDER/<target>/seed-<number>`.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("name the folder to write to"))?;
    for (number, seed) in fuzzing::seeds::seeds().into_iter().enumerate() {
        let folder = Path::new(&folder).join(seed.target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("seed-{number:04}")), seed.data)?;
    }
    Ok(())
}
