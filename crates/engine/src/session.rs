//! What the server knows of one connection and nobody else needs: its settings and its transaction.

use crate::args::OwnedArgs;
use crate::clients::Client;
use crate::users::{DEFAULT_USER, User};
use keyspace::shard::Dirty;
use std::sync::Arc;

/// Which replies a client wants (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplyMode {
    off: bool,
    skip: bool,
    skip_next: bool,
}

impl ReplyMode {
    /// All replies.
    pub const ON: ReplyMode = ReplyMode { off: false, skip: false, skip_next: false };
    /// None.
    pub const OFF: ReplyMode = ReplyMode { off: true, skip: false, skip_next: false };

    /// Leaves the reply of the next command out; without effect where all are off.
    pub fn skip_next(&mut self) {
        self.skip_next = !self.off;
    }

    /// Whether the running command's reply is not wanted.
    pub fn is_silent(self) -> bool {
        self.off || self.skip
    }

    /// A command from the client has ended: what it said of the next one now holds.
    pub fn advance(&mut self) {
        self.skip = self.skip_next;
        self.skip_next = false;
    }
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
            reply_mode: ReplyMode::ON,
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
        self.client.set_watches(0, None);
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

    /// Goes on with the rights of a user.
    pub fn authenticate(&mut self, user: Arc<User>) {
        self.client.update_names(|names| names.user.clone_from(&user.name));
        self.user = Some(user);
    }

    /// Speaks another protocol from the next reply on.
    pub fn set_resp3(&mut self, resp3: bool) {
        self.resp3 = resp3;
        self.client.set_resp3(resp3);
    }

    /// Sets whether reads leave access times alone.
    pub fn set_no_touch(&mut self, on: bool) {
        self.no_touch = on;
        self.client.set_no_touch(on);
    }

    /// Goes back to how the connection started, `user` being the one that needs no password. What
    /// the client said of its library stays.
    pub fn reset(&mut self, user: Option<Arc<User>>) {
        self.discard();
        self.select(0);
        self.set_resp3(false);
        self.set_no_touch(false);
        self.client.set_no_evict(false);
        self.reply_mode = ReplyMode::ON;
        self.user = user;
        self.client.update_names(|names| {
            names.user = DEFAULT_USER.to_owned();
            names.name.clear();
        });
    }

    /// Selects a database.
    pub fn select(&mut self, db: u16) {
        self.db = db;
        self.client.set_db(db);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_holds_for_one_command_and_not_under_off() {
        let mut mode = ReplyMode::ON;
        mode.skip_next();
        assert!(!mode.is_silent(), "the command itself is not what is skipped");
        mode.advance();
        assert!(mode.is_silent());
        // A skip inside the skipped command prolongs it by one.
        mode.skip_next();
        mode.advance();
        assert!(mode.is_silent());
        mode.advance();
        assert_eq!(mode, ReplyMode::ON);
        mode = ReplyMode::OFF;
        mode.skip_next();
        mode.advance();
        assert_eq!(mode, ReplyMode::OFF);
    }
}
