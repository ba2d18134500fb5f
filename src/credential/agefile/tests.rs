use super::super::testing::Person;
use super::*;
use age::secrecy::ExposeSecret as _;
use std::fs;

fn identity() -> String {
    x25519::Identity::generate().to_string().expose_secret().to_owned()
}

fn file(data: &Path, identity: &str, person: &Arc<Person>) -> AgeFile {
    let env = Env::of(&[("VK_AGE_IDENTITY", identity)], data);
    AgeFile::new(data, &env, Arc::clone(person) as Arc<dyn Ui>).quick()
}

fn read(store: &AgeFile, name: &str) -> Result<String, String> {
    store.get(name).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).map_err(|e| e.to_string())
}

#[test]
fn entries_of_every_size_read_back_with_the_identity_and_not_without() {
    let dir = tempfile::tempdir().unwrap();
    let (own, nobody) = (identity(), Person::nobody());
    let store = file(dir.path(), &own, &nobody);
    assert!(matches!(store.put("k", b"s"), Err(StoreError::NoFile(_))));
    assert!(!store.init().unwrap().existed);
    let sizes = [1, 100, 2_560, 65_536];
    for size in sizes {
        store.put(&format!("k{size}"), "x".repeat(size).as_bytes()).unwrap();
    }
    let again = file(dir.path(), &own, &nobody);
    for size in sizes {
        assert_eq!(read(&again, &format!("k{size}")).unwrap().len(), size);
    }
    again.delete("k1").unwrap();
    assert!(matches!(again.delete("k1"), Err(StoreError::Absent)));
    assert!(matches!(store.get("k1"), Err(StoreError::Absent)));
    assert!(again.init().unwrap().existed);

    let other = read(&file(dir.path(), &identity(), &nobody), "k100").unwrap_err();
    assert!(other.contains("sealed to another one"), "{other}");
    let none = read(&file(dir.path(), "", &nobody), "k100").unwrap_err();
    assert!(none.contains("VK_AGE_IDENTITY is not set"), "{none}");
    let sealed = fs::read(dir.path().join("secrets.age")).unwrap();
    assert!(!sealed.windows(4).any(|window| window == b"xxxx"));
}

#[test]
fn a_file_that_is_cut_short_or_changed_is_damaged_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (own, nobody) = (identity(), Person::nobody());
    let store = file(dir.path(), &own, &nobody);
    store.init().unwrap();
    store.put("k", b"secret").unwrap();
    let path = dir.path().join("secrets.age");
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(3) {
        fsx::write_private(&path, &whole[..cut]).unwrap();
        let store = file(dir.path(), &own, &nobody);
        assert!(store.get("k").is_err(), "cut at {cut}");
        assert!(store.put("k", b"new").is_err(), "cut at {cut}");
        assert!(store.init().is_err(), "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap(), &whole[..cut]);
    }
    for flipped in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[flipped] ^= 1;
        fsx::write_private(&path, &bytes).unwrap();
        assert!(file(dir.path(), &own, &nobody).get("k").is_err(), "byte {flipped}");
    }
}

#[test]
fn a_passphrase_is_asked_once_and_may_be_mistyped() {
    let dir = tempfile::tempdir().unwrap();
    let person = Person::typing(&["", "one", "two", "open sesame", "open sesame"]);
    let store = file(dir.path(), "", &person);
    let made = store.init().unwrap();
    assert!(made.passphrase && person.has_typed_all());
    store.put("k", b"secret").unwrap();

    let forgetful = Person::typing(&["sesame", "open sesame"]);
    let store = file(dir.path(), "", &forgetful);
    assert_eq!(read(&store, "k").unwrap(), "secret");
    assert_eq!(*forgetful.heard.lock().unwrap(), ["That is not its passphrase."]);
    assert_eq!(read(&store, "k").unwrap(), "secret");

    let wrong = file(dir.path(), "", &Person::typing(&["a", "b", "c", "open sesame"]));
    assert!(read(&wrong, "k").unwrap_err().contains("not the passphrase"));
    let nobody = file(dir.path(), "", &Person::nobody());
    assert!(read(&nobody, "k").unwrap_err().contains("nobody is here"));
    let identity = file(dir.path(), &identity(), &Person::nobody());
    assert!(read(&identity, "k").unwrap_err().contains("nobody is here"));
}

#[test]
fn without_identity_and_person_no_file_is_made() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(file(dir.path(), "", &Person::nobody()).init(), Err(StoreError::Identity(_))));
    assert!(matches!(file(dir.path(), "relative/x", &Person::nobody()).init(), Err(StoreError::Identity(_))));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_named_identity_that_is_not_there_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let (data, named) = (dir.path().join("data"), dir.path().join("identity.txt"));
    let store = file(&data, named.to_str().unwrap(), &Person::nobody());
    assert_eq!(store.init().unwrap().new_identity.as_ref(), Some(&named));
    store.put("k", b"secret").unwrap();
    assert_eq!(read(&file(&data, named.to_str().unwrap(), &Person::nobody()), "k").unwrap(), "secret");
}

#[test]
fn two_processes_that_write_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let own = identity();
    file(dir.path(), &own, &Person::nobody()).init().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (own, data) = (&own, dir.path());
            scope.spawn(move || file(data, own, &Person::nobody()).put(&format!("k{writer}"), b"s").unwrap());
        }
    });
    let store = file(dir.path(), &own, &Person::nobody());
    assert!((0..8).all(|writer| read(&store, &format!("k{writer}")).unwrap() == "s"));
}

#[cfg(unix)]
#[test]
fn the_file_is_private_and_a_loose_or_linked_one_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (own, nobody) = (identity(), Person::nobody());
    let store = file(dir.path(), &own, &nobody);
    store.init().unwrap();
    let path = dir.path().join("secrets.age");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(store.get("k"), Err(StoreError::Unsafe { .. })));
    let Err(StoreError::Unsafe { fix, .. }) = store.put("k", b"s") else { panic!() };
    assert_eq!(fix, format!("chmod 600 '{}'", path.display()));
    assert_eq!(mode(), 0o644);
    let target = dir.path().join("target");
    fs::rename(&path, &target).unwrap();
    symlink(&target, &path).unwrap();
    assert!(matches!(store.init(), Err(StoreError::Unsafe { .. })));
    assert!(matches!(store.put("k", b"s"), Err(StoreError::Unsafe { .. })));
}
