//! What crosses the sandbox's wall: a program inside connects to its own loopback, and the accepted socket itself is
//! handed to vk's proxy outside; a program that is spoken with has the outer ends of its pipes handed out. So no socket
//! file is shared, and no data passes through the inside.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};

/// What is handed over with what, told by one byte.
const CONNECTION: u8 = b'c';
const PIPES: u8 = b'p';

/// What came over the wall.
pub(super) enum Handed {
    Connection(OwnedFd),
    /// What a program reads from, and what it writes to.
    Pipes {
        input: OwnedFd,
        output: OwnedFd,
    },
}

/// Gives a socket away; never waits.
pub(super) fn send(over: &UnixStream, socket: &OwnedFd) -> io::Result<()> {
    hand(over, CONNECTION, &[socket.as_fd()])
}

/// Gives the outer ends of a program's pipes away; never waits.
pub(super) fn send_pipes(over: &UnixStream, input: BorrowedFd<'_>, output: BorrowedFd<'_>) -> io::Result<()> {
    hand(over, PIPES, &[input, output])
}

fn hand(over: &UnixStream, what: u8, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(descriptors));
    rustix::net::sendmsg(over, &[IoSlice::new(&[what])], &mut control, SendFlags::DONTWAIT)?;
    Ok(())
}

/// Takes what comes next; `WouldBlock` when there is nothing yet, end of file when the other side is gone.
pub(super) fn receive(from: impl AsFd) -> io::Result<Handed> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    let missing = || io::Error::new(io::ErrorKind::InvalidData, "no descriptor was handed over");
    let first = descriptors.next().ok_or_else(missing)?;
    if byte[0] != PIPES {
        return Ok(Handed::Connection(first));
    }
    Ok(Handed::Pipes { input: first, output: descriptors.next().ok_or_else(missing)? })
}
