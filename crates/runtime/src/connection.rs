//! Drives one connection: bytes from the socket into the core, replies back.
//!
//! The read and the reply buffer belong to the worker; a connection owns bytes only while a request is
//! incomplete or a reply could not be sent, so an idle connection owns none. Replies are sent before more
//! is read: a client that does not take its replies is not served further, which bounds what it can
//! make the server hold.

use crate::stream::Stream;
use crate::worker::Local;
use engine::{Conn, Next, Server};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

/// Requests larger than this are received at their full size at once.
const LARGE_REQUEST_BYTES: usize = 32 << 10;
/// Attempts on a contended lock that only yield; after them the task sleeps in between.
const YIELDS_MAX: u32 = 32;
/// Bytes of sent output a connection may keep as spare capacity.
const OUTPUT_KEPT_BYTES: usize = 4 << 10;

/// One connection and what its task waits for.
pub struct Driver {
    server: Arc<Server>,
    local: Rc<Local>,
    stream: Stream,
    conn: Conn,
    /// Received bytes that are not executed yet.
    input: Vec<u8>,
    /// Whether `input` may hold a complete request.
    has_request: bool,
    /// Replies that are not sent yet, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    /// Bytes of the request at the front of `input` that are known to be needed.
    need: usize,
    closing: bool,
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
            input: Vec::new(),
            has_request: false,
            output: Vec::new(),
            sent: 0,
            need: 1,
            closing: false,
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
        loop {
            if !self.output.is_empty() && ready!(self.poll_send(cx)).is_err() {
                return Poll::Ready(());
            }
            if self.closing {
                return Pin::new(&mut self.stream).poll_shutdown(cx).map(drop);
            }
            if self.conn.session.client.is_killed() {
                return Poll::Ready(());
            }
            if let Some(sleep) = &mut self.sleep {
                // A wake by somebody else (a pause that ended) is a reason to look as well.
                let _ = sleep.as_mut().poll(cx);
                self.sleep = None;
                self.has_request = true;
            }
            if self.has_request {
                let input = std::mem::take(&mut self.input);
                let next = self.process(&input, cx);
                self.keep(input, next.0);
                if self.follow(next.1, cx).is_pending() {
                    return Poll::Pending;
                }
            } else if ready!(self.poll_receive(cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// Runs requests of `input`; sends what it can of the replies at once. Returns how many bytes are
    /// done with, and what comes next.
    fn process(&mut self, input: &[u8], cx: &mut Context<'_>) -> (usize, Next) {
        let local = self.local.clone();
        let mut shared = local.shared.borrow_mut();
        let shared = &mut *shared;
        shared.output.clear();
        let worker = &mut shared.worker;
        let progress = worker.process(&self.server, &mut self.conn, input, &mut shared.output);
        if !shared.output.is_empty() {
            let written = match Pin::new(&mut self.stream).poll_write(cx, &shared.output) {
                Poll::Ready(Ok(written)) => written,
                Poll::Ready(Err(_)) => {
                    self.closing = true;
                    shared.output.len()
                }
                Poll::Pending => 0,
            };
            worker.stats.writes.add(1);
            worker.stats.net_out_bytes.add(written as u64);
            self.conn.session.client.note_traffic(0, written as u64);
            self.output.extend_from_slice(&shared.output[written..]);
            if shared.output.capacity() > local.buffer_bytes * 16 {
                shared.output = Vec::with_capacity(local.buffer_bytes);
            }
        }
        (progress.consumed, progress.next)
    }

    /// Keeps the unconsumed rest of an owned input.
    fn keep(&mut self, mut input: Vec<u8>, consumed: usize) {
        if consumed >= input.len() {
            // Memory goes back at once: the connection may be idle from here on.
            self.input = Vec::new();
            return;
        }
        input.drain(..consumed);
        self.input = input;
    }

    /// Acts on what the core wants next; pending if the task should not go on now.
    fn follow(&mut self, next: Next, cx: &mut Context<'_>) -> Poll<()> {
        self.has_request = !matches!(next, Next::Read { .. });
        if next != Next::Contended {
            self.contended = 0;
        }
        self.note_buffers();
        match next {
            Next::Read { need } => self.need = need,
            Next::Flush => {}
            Next::Close => self.closing = true,
            Next::Yield => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Next::Contended => {
                self.contended += 1;
                if self.contended <= YIELDS_MAX {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
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
        if self.output.is_empty() {
            return Poll::Pending;
        }
        match self.poll_send(cx) {
            Poll::Ready(Err(_)) => {
                self.closing = true;
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    }

    /// Sends what is left of the replies.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while self.sent < self.output.len() {
            if self.conn.session.client.is_killed() {
                return Poll::Ready(Err(std::io::ErrorKind::ConnectionAborted.into()));
            }
            let written = Pin::new(&mut self.stream).poll_write(cx, &self.output[self.sent..]);
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
            let shared = self.local.shared.borrow();
            shared.worker.stats.net_out_bytes.add(written as u64);
            self.conn.session.client.note_traffic(0, written as u64);
        }
        self.sent = 0;
        self.output.clear();
        if self.output.capacity() > OUTPUT_KEPT_BYTES {
            self.output = Vec::new();
        }
        self.note_buffers();
        Poll::Ready(Ok(()))
    }

    fn note_buffers(&self) {
        let waiting = self.output.len() - self.sent;
        self.conn.session.client.note_buffers(self.input.len(), waiting);
    }

    /// Receives bytes and runs what is complete.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if self.input.is_empty() { self.receive_shared(cx) } else { self.receive_owned(cx) }
    }

    /// Receives into the worker's buffer, the usual way.
    fn receive_shared(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let mut buffer = std::mem::take(&mut self.local.shared.borrow_mut().input);
        buffer.clear();
        let received = {
            let mut limited = (&mut self.stream).take(self.local.buffer_bytes as u64);
            pin!(limited.read_buf(&mut buffer)).poll(cx)
        };
        let result = match received {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(0)) => Poll::Ready(Err(std::io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Ok(received)) => {
                self.note_received(received);
                let (consumed, next) = self.process(&buffer, cx);
                if consumed < buffer.len() {
                    self.own(&buffer[consumed..], next);
                }
                self.follow(next, cx).map(Ok)
            }
        };
        self.local.shared.borrow_mut().input = buffer;
        result
    }

    /// Takes the incomplete rest of the shared buffer over, with room for a large request.
    fn own(&mut self, rest: &[u8], next: Next) {
        let need = match next {
            Next::Read { need } if need > LARGE_REQUEST_BYTES => need,
            _ => rest.len(),
        };
        self.input = Vec::with_capacity(need.max(rest.len()));
        self.input.extend_from_slice(rest);
    }

    /// Receives behind the bytes that the connection owns: large arguments arrive at their place.
    fn receive_owned(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let missing = self.need.saturating_sub(self.input.len());
        self.input.reserve(missing.max(self.local.buffer_bytes.min(self.input.len())).max(1));
        let received = ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))?;
        if received == 0 {
            return Poll::Ready(Err(std::io::ErrorKind::UnexpectedEof.into()));
        }
        self.note_received(received);
        let limit = self.server.config.bytes(self.server.ids.query_buffer_max);
        if self.input.len() as u64 > limit {
            let counter = &self.server.stats.query_limit_disconnections;
            counter.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(Err(std::io::ErrorKind::OutOfMemory.into()));
        }
        self.has_request = self.input.len() >= self.need;
        Poll::Ready(Ok(()))
    }

    fn note_received(&self, received: usize) {
        let shared = self.local.shared.borrow();
        shared.worker.stats.reads.add(1);
        shared.worker.stats.net_in_bytes.add(received as u64);
        self.conn.session.client.note_traffic(received as u64, 0);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.conn.end(&self.server);
        self.server.clients.remove(self.conn.session.client.id);
    }
}
