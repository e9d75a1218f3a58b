use super::*;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mainstay-file-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    fn contents(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = fs::read_dir(&self.0)
            .expect("folder")
            .map(|e| e.expect("entry").path())
            .map(|p| {
                let name = p.file_name().expect("name").to_string_lossy().into_owned();
                (name, fs::read_to_string(&p).expect("text"))
            })
            .collect();
        all.sort();
        all
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_string(), (*b).to_string())).collect()
}

#[test]
fn a_file_rotates_after_the_message_that_reaches_its_size_and_never_splits_one() {
    let folder = Folder::new("rotates");
    let mut log = RotatingFile::open(&folder.0.join("a.log"), 10, 2, 0o666).expect("open");
    for text in ["123456789", "ABCDEFGHIJKLMNOP", "x", "987654321", "last"] {
        assert_eq!(log.write(text.as_bytes()), (0, None));
    }
    let want = [("a.log", "last"), ("a.log.1", "x987654321"), ("a.log.2", "123456789ABCDEFGHIJKLMNOP")];
    assert_eq!(folder.contents(), pairs(&want));
}

#[test]
fn the_oldest_backup_goes_away() {
    let folder = Folder::new("oldest");
    let mut log = RotatingFile::open(&folder.0.join("a"), 1, 2, 0o666).expect("open");
    for text in ["1", "2", "3", "4"] {
        log.write(text.as_bytes());
    }
    assert_eq!(folder.contents(), pairs(&[("a", ""), ("a.1", "4"), ("a.2", "3")]));
}

#[test]
fn without_backups_the_file_is_truncated() {
    let folder = Folder::new("truncated");
    let mut log = RotatingFile::open(&folder.0.join("a"), 4, 0, 0o666).expect("open");
    log.write(b"12345");
    log.write(b"67");
    assert_eq!(folder.contents(), pairs(&[("a", "67")]));
}

#[test]
fn an_existing_file_is_continued_and_its_size_counts() {
    let folder = Folder::new("continued");
    fs::write(folder.0.join("a"), "12345678").expect("write");
    let mut log = RotatingFile::open(&folder.0.join("a"), 10, 1, 0o666).expect("open");
    log.write(b"90");
    log.write(b"n");
    assert_eq!(folder.contents(), pairs(&[("a", "n"), ("a.1", "1234567890")]));
}

#[test]
fn a_rotation_that_cannot_be_done_loses_nothing_and_is_said_once() {
    let folder = Folder::new("stuck");
    // A directory with something in it stands where the backup should go.
    fs::create_dir_all(folder.0.join("a.1").join("full")).expect("mkdir");
    let mut log = RotatingFile::open(&folder.0.join("a"), 4, 1, 0o666).expect("open");
    let (lost, trouble) = log.write(b"12345");
    assert_eq!(lost, 0);
    assert!(trouble.expect("said").contains("cannot rotate log"));
    for text in ["6789", "x", "abcde", "fghij"] {
        assert_eq!(log.write(text.as_bytes()), (0, None), "said once only");
    }
    assert_eq!(fs::read_to_string(folder.0.join("a")).expect("text"), "123456789xabcdefghij");
    // Once one has been done, the next trouble is news.
    fs::remove_dir_all(folder.0.join("a.1")).expect("rmdir");
    assert_eq!(log.write(b"klmno"), (0, None));
    assert!(folder.0.join("a.1").is_file());
    fs::remove_file(folder.0.join("a.1")).expect("rm");
    fs::create_dir_all(folder.0.join("a.1").join("full")).expect("mkdir");
    assert!(log.write(b"12345").1.expect("said").contains("cannot rotate log"));
}

#[test]
fn a_full_disk_is_counted_and_said_once() {
    let mut log = RotatingFile::open(Path::new("/dev/full"), 0, 0, 0o666).expect("open");
    let (lost, trouble) = log.write(b"12345");
    assert_eq!(lost, 5);
    assert_eq!(trouble.expect("said"), "cannot write to log /dev/full: No space left on device");
    assert_eq!(log.write(b"6"), (1, None));
}

#[test]
fn reopening_follows_a_moved_file() {
    let folder = Folder::new("reopen");
    let mut log = RotatingFile::open(&folder.0.join("a"), 0, 0, 0o666).expect("open");
    log.write(b"old");
    fs::rename(folder.0.join("a"), folder.0.join("b")).expect("rename");
    log.reopen().expect("reopen");
    log.write(b"new");
    assert_eq!(folder.contents(), pairs(&[("a", "new"), ("b", "old")]));
}

#[test]
fn clearing_takes_a_file_of_ours_away_and_empties_what_is_behind_a_link() {
    let folder = Folder::new("clears");
    let path = folder.0.join("a.log");
    let mut log = RotatingFile::open(&path, 0, 0, 0o666).expect("open");
    log.write(b"old");
    let reader = fs::File::open(&path).expect("open");
    assert_eq!(log.clear(), Ok(()));
    log.write(b"new");
    assert_eq!(folder.contents(), pairs(&[("a.log", "new")]));
    assert_eq!(std::io::read_to_string(reader).expect("text"), "old", "who reads the old one keeps it");
    fs::remove_file(&path).expect("remove");
    assert_eq!(log.clear(), Ok(()), "a log that has gone begins again");
    log.write(b"again");
    assert_eq!(folder.contents(), pairs(&[("a.log", "again")]));

    let link = folder.0.join("link.log");
    std::os::unix::fs::symlink(&path, &link).expect("link");
    let mut log = RotatingFile::open(&link, 0, 0, 0o666).expect("open");
    assert_eq!(log.clear(), Ok(()));
    log.write(b"x");
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&path).expect("text"), "x");
}

#[test]
fn what_has_taken_the_name_of_a_log_and_is_no_file_is_left_alone() {
    let folder = Folder::new("guards");
    let path = folder.0.join("a.log");
    let mut log = RotatingFile::open(&path, 0, 0, 0o666).expect("open");
    fs::remove_file(&path).expect("remove");
    std::os::unix::fs::symlink("/dev/null", &path).expect("link");
    assert_eq!(log.clear(), Err(Errno::EINVAL));
    assert!(path.is_symlink());
}
