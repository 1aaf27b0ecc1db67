//! A connection that is broken off when its peer takes nothing of what is sent to it, and that notes when something passes.
//!
//! What is broken off leaves nothing behind: of a connection that is only closed, the kernel keeps what its peer has not taken for
//! minutes, and counts it to the Pod's memory.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connections::Pulse;

/// The connection.
#[derive(Debug)]
pub(crate) struct Patient {
    stream: TcpStream,
    longest: Duration,
    /// Runs while the peer takes nothing.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Something was sent, so that some of it may lie in the kernel.
    has_sent: bool,
    /// Everything is sent; the peer's end is waited for.
    is_shut: bool,
    /// The peer has taken everything, and closed its side.
    is_over: bool,
    pulse: Arc<Pulse>,
}

impl Patient {
    /// Waits for so long for the peer to take something.
    pub(crate) fn new(stream: TcpStream, longest: Duration, pulse: Arc<Pulse>) -> Self {
        Self {
            stream,
            longest,
            waiting: None,
            has_sent: false,
            is_shut: false,
            is_over: false,
            pulse,
        }
    }

    /// Whether the peer has let the longest time pass; it runs from the first call.
    fn poll_too_long(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let longest = self.longest;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(longest)));
        waiting.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }

    /// Waits until the peer closes its side, as it does when it has everything.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut passed_over = [0; 1024];
        loop {
            let mut to = ReadBuf::new(&mut passed_over);
            match Pin::new(&mut self.stream).poll_read(context, &mut to) {
                Poll::Ready(Ok(())) if !to.filled().is_empty() => {}
                Poll::Ready(end) => {
                    self.is_over = true;
                    return Poll::Ready(end);
                }
                Poll::Pending => return self.poll_too_long(context).map(Err),
            }
        }
    }

    fn judge(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            self.has_sent = true;
            self.pulse.beat();
            return written;
        }
        self.poll_too_long(context).map(Err)
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        if self.has_sent && !self.is_over {
            // Where that cannot be, the kernel gives it up in its own time.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, to);
        if read.is_ready() {
            self.pulse.beat();
        }
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, from);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, from);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            std::task::ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.is_shut = true;
            self.waiting = None;
        }
        self.poll_over(context)
    }
}
