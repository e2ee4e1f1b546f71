//! Works through the file API inside one folder (first argument, `.` by default): makes a folder of its own there,
//! creates, reads, seeks, truncates, renames and removes, and prints each step. The output is the same on every host;
//! nothing stays behind. With `--list` it prints the folder's entries instead.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;

const WORK: &str = "dir-example";

/// The names in a folder, sorted, because hosts differ in the order; folders end in a slash.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names)
}

fn step(what: &str, folder: &Path) -> io::Result<()> {
    println!("{what}: [{}]", names(folder)?.join(" "));
    Ok(())
}

fn expect_error<T>(what: &str, outcome: io::Result<T>) -> io::Result<()> {
    match outcome {
        Ok(_) => Err(io::Error::other(format!("{what} should have failed"))),
        Err(e) => {
            println!("{what} fails: {e}");
            Ok(())
        }
    }
}

fn work(folder: &Path) -> io::Result<()> {
    let (a, b, sub) = (folder.join("a.txt"), folder.join("b.txt"), folder.join("sub"));
    step("empty", folder)?;

    fs::write(&a, "first line\nsecond line\n")?;
    step("file written", folder)?;
    println!("size {}, file {}", fs::metadata(&a)?.len(), fs::metadata(&a)?.is_file());
    expect_error("creating it anew", OpenOptions::new().write(true).create_new(true).open(&a))?;

    OpenOptions::new().append(true).open(&a)?.write_all(b"third line\n")?;
    let mut file = OpenOptions::new().read(true).write(true).open(&a)?;
    let mut text = String::new();
    file.seek(SeekFrom::Start(11))?;
    file.read_to_string(&mut text)?;
    println!("from offset 11: {text:?}, now at {}", file.stream_position()?);
    file.seek(SeekFrom::End(-5))?;
    file.write_all(b"LINE")?;
    file.set_len(34)?;
    file.set_len(40)?;
    drop(file);
    println!("whole: {:?}", fs::read_to_string(&a)?);

    fs::create_dir(&sub)?;
    step("folder made", folder)?;
    fs::rename(&a, sub.join("moved.txt"))?;
    step("file moved", folder)?;
    step("the subfolder", &sub)?;
    expect_error("opening the old name", File::open(&a))?;
    expect_error("removing a full folder", fs::remove_dir(&sub))?;

    fs::copy(sub.join("moved.txt"), &b)?;
    println!("copy has {} bytes", fs::metadata(&b)?.len());
    fs::write(folder.join("c.txt"), "c")?;
    fs::rename(folder.join("c.txt"), &b)?;
    println!("after renaming over it: {:?}", fs::read_to_string(&b)?);
    for i in 0..100 {
        File::create(sub.join(format!("{i:03}")))?;
    }
    println!("subfolder has {} entries", names(&sub)?.len());

    fs::remove_file(&b)?;
    fs::remove_dir_all(&sub)?;
    step("all removed", folder)
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let list = args.first().is_some_and(|a| a == "--list");
    if list {
        args.remove(0);
    }
    if args.len() > 1 {
        eprintln!("usage: dir [--list] [FOLDER]");
        return ExitCode::from(2);
    }
    let base = args.pop().unwrap_or_else(|| ".".to_string());
    let outcome = if list {
        names(Path::new(&base)).map(|all| all.iter().for_each(|name| println!("{name}")))
    } else {
        let folder = Path::new(&base).join(WORK);
        fs::create_dir(&folder).and_then(|()| {
            let outcome = work(&folder);
            // The folder goes away even when a step failed, and the first failure is the one reported.
            let removed = fs::remove_dir_all(&folder);
            outcome.and(removed).map(|()| println!("done"))
        })
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("dir: {base}: {e}");
            ExitCode::from(1)
        }
    }
}
