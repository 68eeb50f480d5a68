//! What the server knows of one connection and nobody else needs: its settings and its transaction.

use crate::args::OwnedArgs;
use crate::clients::Client;
use crate::users::User;
use keyspace::shard::Dirty;
use std::sync::Arc;

/// Which replies a client wants (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// All.
    #[default]
    On,
    /// None.
    Off,
    /// All but that of the next command.
    SkipNext,
    /// None for the command that runs now, all afterwards.
    Skipping,
}

/// A command queued by MULTI.
pub struct Queued {
    /// Index of its row.
    pub command: u32,
    /// Its words.
    pub args: OwnedArgs,
}

/// A transaction that is being queued.
#[derive(Default)]
pub struct Multi {
    /// The commands so far.
    pub queue: Vec<Queued>,
    /// Whether a command was refused, so that EXEC must fail.
    pub refused: bool,
    /// Whether a queued command may write.
    pub writes: bool,
    /// Bytes of the queue.
    pub bytes: u64,
}

/// A key watched since some moment.
pub struct Watch {
    /// Database.
    pub db: u16,
    /// Key.
    pub key: Box<[u8]>,
    /// Whether the key was past its time, and not yet removed, when the watch began.
    pub was_expired: bool,
}

/// The watched keys of a session.
#[derive(Default)]
pub struct Watches {
    /// The keys.
    pub keys: Vec<Watch>,
    /// Set when one of them is touched. Dropping it ends the watch.
    pub dirty: Dirty,
}

/// One connection's state.
pub struct Session {
    /// The part that other connections can see.
    pub client: Arc<Client>,
    /// Selected database.
    pub db: u16,
    /// Protocol 3 rather than 2.
    pub resp3: bool,
    /// Whose rights apply; `None` before authentication.
    pub user: Option<Arc<User>>,
    /// Which replies the client wants.
    pub reply_mode: ReplyMode,
    /// The transaction being queued.
    pub multi: Option<Box<Multi>>,
    /// Watched keys.
    pub watches: Option<Box<Watches>>,
    /// Whether reads leave access times alone.
    pub no_touch: bool,
    /// Whether the connection closes once the replies are sent.
    pub close_after_reply: bool,
}

impl Session {
    /// A new connection's session; `user` is the one that needs no password, if there is one.
    pub fn new(client: Arc<Client>, user: Option<Arc<User>>) -> Session {
        Session {
            client,
            db: 0,
            resp3: false,
            user,
            reply_mode: ReplyMode::On,
            multi: None,
            watches: None,
            no_touch: false,
            close_after_reply: false,
        }
    }

    /// Whether commands may run.
    #[inline]
    pub fn is_authenticated(&self) -> bool {
        self.user.is_some()
    }

    /// Ends the watch on all keys.
    pub fn unwatch(&mut self) {
        self.watches = None;
        self.client.set_watches(0);
    }

    /// Marks the transaction being queued as one that must fail.
    pub fn refuse_multi(&mut self) {
        if let Some(multi) = &mut self.multi {
            multi.refused = true;
        }
    }

    /// Drops the transaction being queued, and the watches with it.
    pub fn discard(&mut self) {
        self.multi = None;
        self.client.set_multi(-1, 0);
        self.unwatch();
    }

    /// Selects a database.
    pub fn select(&mut self, db: u16) {
        self.db = db;
        self.client.set_db(db);
    }
}
