//! Turns of writers. SQLite lets waiting writers try again and again, so that whoever has just written is the
//! likeliest to write next and an unlucky one waits for many others. Here each takes a number and waits in the kernel
//! for the lock of the number before its own: first come, first served, and one process is woken at a time. The lock of
//! a process that died is its successor's. Only fairness rests on it: where it fails or takes too long, SQLite's own
//! lock decides alone.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How long a writer waits for its turn before it goes on without one: whoever stands before it was stopped. 64
/// processes that write as fast as they can need a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// The queue's file: the last number taken, and the locks of numbers, which are bytes that nobody writes.
#[derive(Debug, Default)]
pub(super) struct Turns(Option<File>);

/// A writer's turn; the next one's begins when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(Option<(&'a File, i64)>);

#[cfg(target_os = "linux")]
mod queue {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt as _;
    use std::sync::mpsc;
    use std::time::Duration;

    use nix::fcntl::{FcntlArg, fcntl};

    /// The byte whose lock is held while a number is taken; the number is in it and the seven after it.
    const COUNTER: i64 = 0;
    /// Where the bytes of numbers begin. There are so many that none comes again.
    const NUMBERS: i64 = 1 << 20;
    const MOST: u64 = 1 << 60;

    /// Takes the next number, whose lock is then held.
    pub(super) fn take(file: &File, patience: Duration) -> Option<i64> {
        if !wait(file, COUNTER, patience) {
            return None;
        }
        let number = next(file).ok().filter(|number| lock(file, NUMBERS + number, Lock::Try).is_ok());
        free(file, COUNTER);
        number
    }

    /// Waits until the one before has gone.
    pub(super) fn await_turn(file: &File, number: i64, patience: Duration) {
        let before = NUMBERS + number - 1;
        if wait(file, before, patience) {
            free(file, before);
        }
    }

    pub(super) fn leave(file: &File, number: i64) {
        free(file, NUMBERS + number);
    }

    fn next(file: &File) -> io::Result<i64> {
        let mut bytes = [0; 8];
        // A new file is empty.
        if file.read_at(&mut bytes, 0)? < bytes.len() {
            bytes = [0; 8];
        }
        let number = (u64::from_le_bytes(bytes) % MOST) + 1;
        file.write_all_at(&number.to_le_bytes(), 0)?;
        i64::try_from(number).map_err(io::Error::other)
    }

    #[derive(Clone, Copy)]
    enum Lock {
        Try,
        Wait,
        Free,
    }

    /// One byte's lock, which belongs to this opening of the file, whatever thread asks (fcntl(2), F_OFD_SETLK).
    fn lock(file: &File, byte: i64, how: Lock) -> nix::Result<()> {
        let kind = if matches!(how, Lock::Free) { libc::F_UNLCK } else { libc::F_WRLCK };
        let range = libc::flock {
            l_type: i16::try_from(kind).unwrap_or_default(),
            l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
            l_start: byte,
            l_len: 1,
            l_pid: 0,
        };
        let ask = match how {
            Lock::Wait => FcntlArg::F_OFD_SETLKW(&range),
            Lock::Try | Lock::Free => FcntlArg::F_OFD_SETLK(&range),
        };
        fcntl(file, ask).map(drop)
    }

    fn free(file: &File, byte: i64) {
        let _ = lock(file, byte, Lock::Free);
    }

    /// Locks a byte; false where that fails or takes longer.
    fn wait(file: &File, byte: i64, patience: Duration) -> bool {
        if lock(file, byte, Lock::Try).is_ok() {
            return true;
        }
        // The kernel's wait has no end of its own, so another thread waits, on the same opening of the file.
        let Ok(same) = file.try_clone() else { return false };
        let (told, tells) = mpsc::sync_channel(0);
        let waiter = std::thread::Builder::new().name("ledger-turn".to_owned()).spawn(move || {
            let had = lock(&same, byte, Lock::Wait).is_ok();
            if told.send(had).is_err() && had {
                free(&same, byte);
            }
        });
        waiter.is_ok() && tells.recv_timeout(patience).unwrap_or(false)
    }
}

impl Turns {
    pub(super) fn at(database: &Path) -> Self {
        Self(crate::base::fsx::update_private(&database.with_extension("queue")).ok())
    }

    /// Waits for the turn.
    pub(super) fn take(&self) -> Turn<'_> {
        self.take_within(PATIENCE)
    }

    #[cfg(target_os = "linux")]
    fn take_within(&self, patience: Duration) -> Turn<'_> {
        let Some(file) = &self.0 else { return Turn(None) };
        let Some(number) = queue::take(file, patience) else { return Turn(None) };
        // Held from here on, so that it is given back however this ends.
        let turn = Turn(Some((file, number)));
        queue::await_turn(file, number, patience);
        turn
    }

    #[cfg(not(target_os = "linux"))]
    fn take_within(&self, _: Duration) -> Turn<'_> {
        Turn(None)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some((file, number)) = self.0 {
            queue::leave(file, number);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    /// Each opens the file for itself, as processes do.
    fn turns(folder: &Path) -> Turns {
        Turns::at(&folder.join("ledger.db"))
    }

    fn number(turn: &Turn<'_>) -> i64 {
        turn.0.map_or(0, |(_, number)| number)
    }

    #[test]
    fn writers_come_in_the_order_of_their_numbers_and_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (order, inside) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let turns = turns(folder.path());
                    for _ in 0..50 {
                        let turn = turns.take_within(Duration::from_mins(1));
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        order.lock().unwrap().push(number(&turn));
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(order.into_inner().unwrap(), (1..=400).collect::<Vec<i64>>());
    }

    #[test]
    fn one_that_is_gone_is_passed_and_one_that_hangs_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second, third) = (turns(folder.path()), turns(folder.path()), turns(folder.path()));
        let hangs = first.take();
        let began = Instant::now();
        let impatient = second.take_within(Duration::from_millis(80));
        assert!(began.elapsed() >= Duration::from_millis(80));
        drop(hangs);
        // As the kernel does where a process ends.
        drop(impatient);
        drop(second);
        let began = Instant::now();
        assert_eq!(number(&third.take_within(Duration::from_mins(1))), 3);
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_file_of_rubbish_or_none_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ledger.queue"), [0x5a; 40]).unwrap();
        let turns = turns(folder.path());
        let first = number(&turns.take());
        assert!(first > 0);
        assert_eq!(number(&turns.take()), first + 1);
        assert!(Turns::default().take().0.is_none());
        std::fs::create_dir(folder.path().join("other.queue")).unwrap();
        assert!(Turns::at(&folder.path().join("other.db")).take().0.is_none());
    }
}
