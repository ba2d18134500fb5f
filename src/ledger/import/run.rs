//! One import: files that changed are read by a few threads, and what they tell is written by this one.

use std::collections::HashMap;
use std::io::{self, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::book::{Book, Page};
use super::call::Call;
use super::fields::TOO_LONG;
use super::files::{self, LogFile};
use super::lines::{Lines, Piece};
use super::mark::{self, Mark};
use super::opencode_db;
use super::outcome::{Imported, Odd};
use super::places::{Kind, Place};
use super::prices::{PriceList, Pricer};
use super::reading::{self, Log, is_object};
use crate::base::fsx;
use crate::ledger::{Ledger, LedgerError};

/// More threads than this only wait for the one that writes.
const MOST_READERS: usize = 4;
/// Calls that are handed over at once, and how many back another account of the same call is looked for: blocks of
/// one message stand close together.
const BATCH: usize = 512;
const LOOK_BACK: usize = 32;
/// Batches that wait to be written.
const WAITING: usize = 16;
/// How long other writers wait for one transaction of an import.
const TURN: Duration = Duration::from_secs(2);
/// The largest document: a message without what was said in it.
const LARGEST_DOCUMENT: u64 = 4 * 1024 * 1024;

/// What a reader tells of the file at a position of the list.
enum Told {
    Calls(usize, Vec<Call>),
    Done(usize, Box<Done>),
    Unreadable(usize),
}

struct Done {
    mark: Mark,
    odd: Odd,
    bytes: u64,
}

/// The other side has ended, which happens only when the ledger failed.
struct NobodyListens;

impl Ledger {
    /// Brings what the logs in `places` tell into the ledger, as what `user` used. Doing it again adds nothing.
    ///
    /// # Errors
    /// What the database answered; a log that cannot be read is in the answer instead.
    pub fn import(&self, places: &[Place], prices: PriceList<'_>, user: &str) -> Result<Imported, LedgerError> {
        let marks = self.read(|tx| mark::load(tx, &self.machine()))?;
        let mut search = files::find(places);
        let mut imported = Imported { unreadable: search.unreadable, ..Imported::default() };
        for file in &search.files {
            imported.tools.entry(file.tool).or_default().files += 1;
        }
        let is_new = |file: &LogFile| marks.get(&*file.path.to_string_lossy()).is_none_or(|m| m.stamp != file.stamp);
        search.files.retain(is_new);
        if search.files.is_empty() {
            return Ok(imported);
        }
        // The largest first, so that no thread is left with it at the end.
        search.files.sort_by_key(|file| std::cmp::Reverse(file.stamp.size));
        let mut book = self.read(|tx| Book::open(tx, user, self.machine()))?;
        book.imported = imported;
        self.read_and_write(&search.files, &marks, prices, book)
    }

    fn read_and_write(
        &self,
        files: &[LogFile],
        marks: &HashMap<String, Mark>,
        prices: PriceList<'_>,
        book: Book,
    ) -> Result<Imported, LedgerError> {
        let next = AtomicUsize::new(0);
        let readers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS).min(files.len());
        std::thread::scope(|scope| {
            let (tell, told) = sync_channel(WAITING);
            for _ in 0..readers {
                let (tell, next) = (tell.clone(), &next);
                scope.spawn(move || {
                    let mut reader = Reader { pricer: Pricer::new(prices), tell, buffer: Vec::new() };
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(at) else { return };
                        let mark = marks.get(&*file.path.to_string_lossy());
                        if reader.file(at, file, mark).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(tell);
            self.write_all(files, &told, book)
        })
    }

    /// Writes what is told until nobody is left to tell, in turns.
    fn write_all(&self, files: &[LogFile], told: &Receiver<Told>, mut book: Book) -> Result<Imported, LedgerError> {
        let mut more = true;
        while more {
            more = self.write(|tx| {
                let begun = Instant::now();
                let mut page = Page::new(tx)?;
                let more = loop {
                    match told.recv() {
                        Err(_) => break false,
                        Ok(Told::Calls(at, calls)) => book.calls(&mut page, files[at].tool, &calls)?,
                        Ok(Told::Done(at, done)) => book.done(&page, &files[at], &done.mark, &done.odd, done.bytes)?,
                        Ok(Told::Unreadable(at)) => book.imported.unreadable.push(files[at].path.clone()),
                    }
                    if begun.elapsed() > TURN {
                        break true;
                    }
                };
                page.close()?;
                Ok(more)
            })?;
        }
        book.imported.unreadable.sort();
        Ok(book.imported)
    }
}

/// What one thread reads with.
struct Reader<'c> {
    pricer: Pricer<'c>,
    tell: SyncSender<Told>,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    fn file(&mut self, at: usize, file: &LogFile, mark: Option<&Mark>) -> Result<(), NobodyListens> {
        let done = match file.kind {
            Kind::Lines => self.lines(at, file, mark),
            Kind::Documents => self.document(at, file),
            Kind::Database => self.database(at, file, mark),
        };
        let told = match done {
            Ok(done) => Told::Done(at, Box::new(done?)),
            Err(_) => Told::Unreadable(at),
        };
        self.tell.send(told).map_err(|_| NobodyListens)
    }

    /// The lines of a file that were not read before; all of them where it is not the same file any more.
    fn lines(&mut self, at: usize, file: &LogFile, mark: Option<&Mark>) -> io::Result<Result<Done, NobodyListens>> {
        let (mut opened, stamp) = files::open(&file.path)?;
        let mark = match mark {
            Some(mark) if mark.fits(&mut opened, &stamp)? => Some(mark),
            _ => None,
        };
        let (from, line) = mark.map_or((0, 0), |mark| (mark.position, mark.line));
        opened.seek(SeekFrom::Start(from))?;
        let mut log = reading::log(file.tool, &file.path, mark.and_then(|mark| mark.state.as_deref()));
        let mut lines = Lines::new(&opened, from, line, std::mem::take(&mut self.buffer));
        let (mut odd, mut batch, mut found) = (Odd::default(), Vec::new(), Vec::new());
        loop {
            let why = match lines.next()? {
                None => break,
                Some(Piece::TooLong) => Err(TOO_LONG),
                Some(Piece::Line(bytes)) => log.take(bytes, &mut found),
            };
            if let Err(broken) = why {
                odd.broken(&file.path, lines.line(), broken.0);
            }
            if !found.is_empty() && self.collect(at, &mut batch, &mut found).is_err() {
                return Ok(Err(NobodyListens));
            }
        }
        let state = log.state();
        if !lines.rest().trim_ascii().is_empty() && !last_line(log.as_mut(), lines.rest(), &mut found) {
            odd.unfinished(&file.path, lines.line() + 1);
        }
        if self.collect(at, &mut batch, &mut found).and_then(|()| self.send(at, &mut batch)).is_err() {
            return Ok(Err(NobodyListens));
        }
        let (position, line, read) = (lines.position(), lines.line(), lines.position() - from);
        self.buffer = lines.into_buffer();
        let print = mark::print(&mut opened, position)?;
        Ok(Ok(Done { mark: Mark { stamp, position, line, print, state }, odd, bytes: read }))
    }

    /// A file that is one object, written anew when it changes.
    fn document(&mut self, at: usize, file: &LogFile) -> io::Result<Result<Done, NobodyListens>> {
        let bytes = fsx::read_unfollowed(&file.path, LARGEST_DOCUMENT)?;
        let (mut odd, mut found) = (Odd::default(), Vec::new());
        if let Err(broken) = reading::log(file.tool, &file.path, None).take(&bytes, &mut found) {
            odd.broken(&file.path, 1, broken.0);
        }
        let read = bytes.len() as u64;
        let mark = Mark { stamp: file.stamp, position: read, ..Mark::default() };
        Ok(self.send(at, &mut found).map(|()| Done { mark, odd, bytes: read }))
    }

    fn database(&mut self, at: usize, file: &LogFile, mark: Option<&Mark>) -> io::Result<Result<Done, NobodyListens>> {
        let (mut odd, mut batch, mut heard) = (Odd::default(), Vec::new(), Ok(()));
        let state = mark.and_then(|mark| mark.state.as_deref());
        let state = opencode_db::read(&file.path, state, &mut odd, |found| {
            if heard.is_ok() {
                heard = self.collect(at, &mut batch, found);
            }
        });
        let state = state.map_err(io::Error::other)?;
        let sent = heard.and_then(|()| self.send(at, &mut batch));
        let bytes = u64::try_from(file.stamp.size).unwrap_or(0);
        Ok(sent.map(|()| Done { mark: Mark { stamp: file.stamp, state, ..Mark::default() }, odd, bytes }))
    }

    /// Puts calls to the batch, each in the place of a lesser account of it that has just been met.
    fn collect(&mut self, at: usize, batch: &mut Vec<Call>, found: &mut Vec<Call>) -> Result<(), NobodyListens> {
        for call in found.drain(..) {
            let from = batch.len().saturating_sub(LOOK_BACK);
            match batch[from..].iter_mut().rev().find(|known| known.id == call.id) {
                Some(known) if call.rank() > known.rank() => *known = call,
                Some(_) => {}
                None => batch.push(call),
            }
        }
        if batch.len() >= BATCH { self.send(at, batch) } else { Ok(()) }
    }

    fn send(&mut self, at: usize, batch: &mut Vec<Call>) -> Result<(), NobodyListens> {
        if batch.is_empty() {
            return Ok(());
        }
        for call in batch.iter_mut() {
            call.list = self.pricer.price(call);
        }
        self.tell.send(Told::Calls(at, std::mem::take(batch))).map_err(|_| NobodyListens)
    }
}

/// A last line without a line feed: taken if it is whole, and read again the next time all the same.
fn last_line(log: &mut dyn Log, rest: &[u8], found: &mut Vec<Call>) -> bool {
    is_object(rest) && log.take(rest, found).is_ok()
}
