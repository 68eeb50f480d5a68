//! Clients that wait for keys: the queues behind blocking commands.
//!
//! A handler that finds nothing gives [`crate::Outcome::Block`]. The engine queues the request
//! under each of its keys, while the shards are still locked, so that no change is missed. Whoever
//! changes such a key re-runs the waiting requests in the order of their arrival, through their own
//! handlers: there is no code per type that serves a waiter. A request that is served leaves all
//! its queues; its connection is woken to send the reply.
//!
//! The table is a leaf: it is locked for moments only, and nothing is locked while it is held.

use crate::args::OwnedArgs;
use crate::clients::Client;
use crate::users::User;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// What a blocking handler asks for.
pub struct Wait {
    /// The keys, in the order in which they are tried.
    pub keys: Vec<Box<[u8]>>,
    /// When to give up, in milliseconds since 1970; `None` for never.
    pub deadline_ms: Option<i64>,
    /// The reply when the time is over.
    pub on_timeout: fn(&mut resp::Writer<'_>),
}

/// How far a waiting request is.
pub(crate) enum State {
    /// Nobody has served it.
    Waiting,
    /// Its reply is ready.
    Served(Vec<u8>),
    /// Somebody ended the wait (CLIENT UNBLOCK), as if the time were over or with an error.
    Unblocked { with_error: bool },
    /// Its connection no longer waits.
    Ended,
}

/// A waiting request.
pub(crate) struct Waiter {
    pub(crate) client: Arc<Client>,
    pub(crate) user: Arc<User>,
    pub(crate) command: u32,
    pub(crate) args: OwnedArgs,
    pub(crate) db: u16,
    pub(crate) resp3: bool,
    pub(crate) wait: Wait,
    pub(crate) started_ns: u64,
    /// Held by whoever tries to serve the request, so that it is served once.
    pub(crate) state: Mutex<State>,
}

type Queue = VecDeque<Arc<Waiter>>;

#[derive(Default)]
struct Tables {
    by_key: HashMap<(u16, Box<[u8]>), Queue>,
    by_client: BTreeMap<u64, Arc<Waiter>>,
}

/// All waiting requests.
#[derive(Default)]
pub struct Waiters(Mutex<Tables>);

impl Waiters {
    pub(crate) fn add(&self, waiter: &Arc<Waiter>) {
        let mut tables = self.0.lock();
        for key in &waiter.wait.keys {
            let queue = tables.by_key.entry((waiter.db, key.clone())).or_default();
            // A key that is named twice queues once.
            if !queue.back().is_some_and(|last| Arc::ptr_eq(last, waiter)) {
                queue.push_back(waiter.clone());
            }
        }
        tables.by_client.insert(waiter.client.id, waiter.clone());
    }

    /// Takes a request out of all queues; gives the keys for which nobody waits any more.
    pub(crate) fn remove(&self, waiter: &Arc<Waiter>) -> Vec<Box<[u8]>> {
        let mut tables = self.0.lock();
        tables.by_client.remove(&waiter.client.id);
        let mut free = Vec::new();
        for key in &waiter.wait.keys {
            let slot = (waiter.db, key.clone());
            let Some(queue) = tables.by_key.get_mut(&slot) else { continue };
            queue.retain(|other| !Arc::ptr_eq(other, waiter));
            if queue.is_empty() {
                tables.by_key.remove(&slot);
                free.push(slot.1);
            }
        }
        free
    }

    /// Whether anybody waits for a key.
    pub(crate) fn has(&self, db: u16, key: &[u8]) -> bool {
        self.0.lock().by_key.contains_key(&(db, key.into()))
    }

    /// The requests that wait for a key, the oldest first.
    pub(crate) fn on(&self, db: u16, key: &[u8]) -> Vec<Arc<Waiter>> {
        let tables = self.0.lock();
        tables
            .by_key
            .get(&(db, key.into()))
            .map_or_else(Vec::new, |queue| queue.iter().cloned().collect())
    }

    /// Ends the wait of a client; false if it does not wait.
    pub fn unblock(&self, client: u64, with_error: bool) -> bool {
        let waiter = self.0.lock().by_client.get(&client).cloned();
        let Some(waiter) = waiter else { return false };
        let mut state = waiter.state.lock();
        if !matches!(*state, State::Waiting) {
            return false;
        }
        *state = State::Unblocked { with_error };
        drop(state);
        waiter.client.wake();
        true
    }

    /// How many keys are waited for.
    pub fn keys(&self) -> usize {
        self.0.lock().by_key.len()
    }
}
