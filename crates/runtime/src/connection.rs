//! Drives one connection: bytes from the socket into the core, replies back.
//!
//! The read and the reply buffer belong to the worker; a connection owns bytes only while a request
//! is incomplete or a reply could not be sent, so an idle connection owns none. Replies are sent
//! before more is read: a client that does not take its replies is not served further, which bounds
//! what it can make the server hold.
//!
//! A connection with endless work must not starve the others of its worker. Its turn ends after so
//! many bytes ([`TURN_BYTES`]) or so much time (the core's part), and it yields to the event queue:
//! a task that only wakes itself would run dozens of times before the worker looks at its sockets
//! again.
//!
//! Whatever the task waits for, the end of the connection must be noticed. While a command waits, a
//! little is therefore received ahead ([`EARLY_BYTES_MAX`]): an end behind it shows only that way.

use crate::input::Input;
use crate::stream::Stream;
use crate::worker::{Local, Shared};
use engine::port::LogLevel;
use engine::{Conn, Next, Server};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

/// Bytes received and replied after which a turn ends.
const TURN_BYTES: usize = 16 << 10;
/// Most bytes of a large request that are received at once.
const RECEIVE_BYTES_MAX: usize = 256 << 10;
/// Bytes received ahead while a command waits.
const EARLY_BYTES_MAX: usize = 64 << 10;
/// Attempts on a contended lock that only yield; after them the task sleeps in between.
const YIELDS_MAX: u32 = 32;
/// Bytes of sent output a connection may keep as spare capacity.
const OUTPUT_KEPT_BYTES: usize = 4 << 10;
/// Replies up to this size are never over a limit: Redis does not count its first buffer either.
const OUTPUT_FREE_BYTES: usize = 16 << 10;
/// Buffers of this size are freed elsewhere: giving their pages back takes milliseconds.
const LARGE_BUFFER_BYTES: usize = 1 << 20;

/// One connection and what its task waits for.
pub struct Driver {
    server: Arc<Server>,
    local: Rc<Local>,
    stream: Stream,
    conn: Conn,
    /// Received bytes that are not executed yet.
    input: Input,
    /// Whether `input` may hold a complete request.
    has_request: bool,
    /// Replies that are not sent yet, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    /// Whether the stream itself may hold back what was written.
    is_unflushed: bool,
    /// Bytes of the request at the front of `input` that are known to be needed.
    need: usize,
    /// Bytes of this turn.
    turn_bytes: usize,
    /// Bytes received while a command waited.
    early_bytes: usize,
    /// The connection ends once the replies are sent.
    is_closing: bool,
    /// The connection ends at once.
    is_gone: bool,
    contended: u32,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Driver {
    /// A driver for a connection that was just accepted.
    pub fn new(server: Arc<Server>, local: Rc<Local>, stream: Stream, conn: Conn) -> Driver {
        Driver {
            server,
            local,
            stream,
            conn,
            input: Input::default(),
            has_request: false,
            output: Vec::new(),
            sent: 0,
            is_unflushed: false,
            need: 1,
            turn_bytes: 0,
            early_bytes: 0,
            is_closing: false,
            is_gone: false,
            contended: 0,
            sleep: None,
        }
    }

    /// Serves the connection until it ends.
    pub async fn serve(mut self) {
        std::future::poll_fn(|cx| {
            self.conn.session.client.set_waker(cx.waker());
            Poll::Ready(())
        })
        .await;
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.turn_bytes = 0;
        loop {
            if self.is_gone || self.conn.session.client.is_killed() {
                return Poll::Ready(());
            }
            if ready!(self.poll_send(cx)).is_err() {
                return Poll::Ready(());
            }
            if self.is_closing {
                return Pin::new(&mut self.stream).poll_shutdown(cx).map(drop);
            }
            if self.turn_bytes >= TURN_BYTES {
                return end_turn(cx);
            }
            // Whoever woke the task (a pause that ended, the time) is a reason to look again.
            self.sleep = None;
            if self.has_request {
                let mut input = std::mem::take(&mut self.input);
                let (consumed, next) = self.process(input.rest(), cx);
                let done = input.consume(consumed);
                self.free(done);
                self.input = input;
                ready!(self.follow(next, cx));
            } else if ready!(self.poll_receive(cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// Runs requests of `input` and replies. Returns how many bytes are done with, and what comes
    /// next.
    fn process(&mut self, input: &[u8], cx: &mut Context<'_>) -> (usize, Next) {
        let local = self.local.clone();
        let mut shared = local.shared.borrow_mut();
        let Shared { worker, output, .. } = &mut *shared;
        output.clear();
        let progress = worker.process(&self.server, &mut self.conn, input, output);
        if !output.is_empty() {
            self.reply(&mut shared, cx);
        }
        (progress.consumed, progress.next)
    }

    /// Sends replies as far as the socket takes them, and keeps the rest.
    fn reply(&mut self, shared: &mut Shared, cx: &mut Context<'_>) {
        let len = shared.output.len();
        self.turn_bytes += len;
        if self.is_over_output_limit(len) {
            let server = self.server.clone();
            let limited = &server.stats.output_limit_disconnections;
            self.end_for(limited, "it overcame its output buffer limit");
        } else {
            match Pin::new(&mut self.stream).poll_write(cx, &shared.output) {
                Poll::Ready(Ok(written)) => self.note_written(shared, written),
                Poll::Ready(Err(_)) => self.is_gone = true,
                Poll::Pending => {}
            }
            if !self.is_gone {
                self.keep_unsent(shared);
            }
        }
        if shared.output.capacity() > self.local.buffer_bytes * 16 {
            let room = Vec::with_capacity(self.local.buffer_bytes);
            self.free(std::mem::replace(&mut shared.output, room));
        }
    }

    /// Keeps what was not sent: the worker's buffer itself where that is mostly unsent.
    fn keep_unsent(&mut self, shared: &mut Shared) {
        let unsent = shared.output.len() - self.sent;
        if unsent > shared.output.capacity() / 2 {
            let room = Vec::with_capacity(self.local.buffer_bytes);
            self.output = std::mem::replace(&mut shared.output, room);
        } else {
            self.output.extend_from_slice(&shared.output[self.sent..]);
            self.sent = 0;
        }
    }

    fn note_written(&mut self, shared: &Shared, written: usize) {
        self.sent += written;
        self.is_unflushed = self.stream.holds_back();
        shared.worker.stats.writes.add(1);
        shared.worker.stats.net_out_bytes.add(written as u64);
        self.conn.session.client.note_traffic(0, written as u64);
    }

    fn is_over_output_limit(&self, bytes: usize) -> bool {
        let limit = || self.server.config.int(self.server.ids.output_limits);
        bytes > OUTPUT_FREE_BYTES && (1..bytes as i64).contains(&limit())
    }

    /// Ends the connection at once, for a reason that is counted and logged.
    fn end_for(&mut self, counter: &AtomicU64, reason: &str) {
        counter.fetch_add(1, Ordering::Relaxed);
        self.is_gone = true;
        let client = &self.conn.session.client;
        let text = format!("Client id={} addr={} is closed: {reason}", client.id, client.peer.addr);
        self.server.host.log(LogLevel::Warning, &text);
    }

    /// Acts on what the core wants next; pending if the task should not go on now.
    fn follow(&mut self, next: Next, cx: &mut Context<'_>) -> Poll<()> {
        self.has_request = !matches!(next, Next::Read { .. });
        if next != Next::Contended {
            self.contended = 0;
        }
        self.note_buffers();
        match next {
            Next::Read { need } => {
                self.need = need;
                self.early_bytes = 0;
            }
            Next::Flush => {}
            Next::Close => self.is_closing = true,
            Next::Yield => {
                if self.conn.is_busy() && self.watch_peer(cx) == Some(Gone::Broken) {
                    self.is_gone = true;
                    return Poll::Ready(());
                }
                return end_turn(cx);
            }
            Next::Contended => {
                self.contended += 1;
                if self.contended <= YIELDS_MAX {
                    return end_turn(cx);
                }
                return self.sleep_for(Duration::from_millis(1), cx);
            }
            Next::Until(until_ms) => {
                let left_ms = until_ms.saturating_sub(self.server.now_ms()).max(1);
                // Very far deadlines are looked at again after a day.
                let left_ms = (left_ms as u64).min(86_400_000);
                return self.sleep_for(Duration::from_millis(left_ms), cx);
            }
        }
        Poll::Ready(())
    }

    fn sleep_for(&mut self, duration: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleep = Box::pin(tokio::time::sleep(duration));
        if sleep.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.sleep = Some(sleep);
        // Nothing is to be sent meanwhile but what is left of earlier replies.
        let is_broken = matches!(self.poll_send(cx), Poll::Ready(Err(_)));
        if is_broken || self.watch_peer(cx).is_some() {
            self.is_gone = true;
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Registers for the end of the connection, and says whether it is here. Requests that arrive
    /// meanwhile are received, up to a limit.
    fn watch_peer(&mut self, cx: &mut Context<'_>) -> Option<Gone> {
        while self.early_bytes < EARLY_BYTES_MAX {
            match self.receive_owned(1, cx) {
                Poll::Pending => return None,
                Poll::Ready(Ok(received)) => self.early_bytes += received,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Some(Gone::Ended);
                }
                Poll::Ready(Err(_)) => return Some(Gone::Broken),
            }
        }
        None
    }

    /// Sends what is left of the replies.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.output.len() {
            let written = Pin::new(&mut self.stream).poll_write(cx, &self.output[self.sent..]);
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let local = self.local.clone();
            self.note_written(&local.shared.borrow(), written);
        }
        if !self.output.is_empty() {
            self.output.clear();
            if self.output.capacity() > OUTPUT_KEPT_BYTES {
                let output = std::mem::take(&mut self.output);
                self.free(output);
            }
            self.note_buffers();
        }
        self.sent = 0;
        if self.is_unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn note_buffers(&self) {
        let waiting = self.output.len().saturating_sub(self.sent);
        self.conn.session.client.note_buffers(self.input.len(), waiting);
    }

    /// Frees a buffer, a large one away from every client's time.
    fn free(&self, buffer: Vec<u8>) {
        if buffer.capacity() >= LARGE_BUFFER_BYTES {
            self.server.host.discard(Box::new(buffer));
        }
    }

    /// Receives bytes and runs what is complete.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return self.receive_shared(cx);
        }
        let missing = self.need.saturating_sub(self.input.len());
        ready!(self.receive_owned(missing, cx))?;
        self.has_request = self.input.len() >= self.need;
        Poll::Ready(Ok(()))
    }

    /// Receives into the worker's buffer, the usual way.
    fn receive_shared(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = std::mem::take(&mut self.local.shared.borrow_mut().input);
        buffer.clear();
        let received = {
            let mut limited = (&mut self.stream).take(self.local.buffer_bytes as u64);
            pin!(limited.read_buf(&mut buffer)).poll(cx)
        };
        let result = match received {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Ok(received)) => {
                self.note_received(received);
                let (consumed, next) = self.process(&buffer, cx);
                if consumed < buffer.len() {
                    let need = if let Next::Read { need } = next { need } else { 0 };
                    self.input = Input::from_rest(&buffer[consumed..], need);
                }
                self.follow(next, cx).map(Ok)
            }
        };
        self.local.shared.borrow_mut().input = buffer;
        result
    }

    /// Receives behind the bytes that the connection owns: large arguments arrive at their place.
    fn receive_owned(&mut self, missing: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = missing.max(self.local.buffer_bytes.min(self.input.len()));
        let tail = self.input.tail(room);
        let mut limited = (&mut self.stream).take(RECEIVE_BYTES_MAX as u64);
        let received = ready!(pin!(limited.read_buf(tail)).poll(cx))?;
        if received == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.note_received(received);
        let limit = self.server.config.bytes(self.server.ids.query_buffer_max);
        if self.input.len() as u64 > limit {
            let server = self.server.clone();
            let limited = &server.stats.query_limit_disconnections;
            self.end_for(limited, "it overcame its query buffer limit");
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        Poll::Ready(Ok(received))
    }

    fn note_received(&mut self, received: usize) {
        self.turn_bytes += received;
        let shared = self.local.shared.borrow();
        shared.worker.stats.reads.add(1);
        shared.worker.stats.net_in_bytes.add(received as u64);
        self.conn.session.client.note_traffic(received as u64, 0);
    }
}

/// How a connection ended.
#[derive(PartialEq, Eq)]
enum Gone {
    /// The peer sends no more, but may still read.
    Ended,
    /// It is of no use any more.
    Broken,
}

/// Lets others run: the task goes on after the worker has looked at its sockets.
fn end_turn(cx: &mut Context<'_>) -> Poll<()> {
    let yielding = pin!(tokio::task::yield_now());
    // The first poll only hands the waker over.
    let _ = yielding.poll(cx);
    Poll::Pending
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.conn.end(&self.server);
        self.server.clients.remove(self.conn.session.client.id);
        let output = std::mem::take(&mut self.output);
        self.free(output);
    }
}
