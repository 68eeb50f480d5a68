//! Who may do what. Until access rules have their own module there is one user, `default`, with or
//! without a password, who may do everything.

use parking_lot::RwLock;
use std::sync::Arc;

/// A user's rights.
#[derive(Debug)]
pub struct User {
    /// Name.
    pub name: String,
    /// Whether every command on every key is allowed, the case that must cost one branch.
    pub unrestricted: bool,
}

struct Account {
    user: Arc<User>,
    /// Empty means that any password opens it.
    password: String,
}

/// All users.
pub struct Users {
    default: RwLock<Account>,
}

/// The name of the user that connections start as.
pub const DEFAULT_USER: &str = "default";

impl Default for Users {
    fn default() -> Self {
        let user = Arc::new(User { name: DEFAULT_USER.to_owned(), unrestricted: true });
        Users { default: RwLock::new(Account { user, password: String::new() }) }
    }
}

impl Users {
    /// The user of a connection that did not authenticate; `None` where a password is required.
    pub fn anonymous(&self) -> Option<Arc<User>> {
        let account = self.default.read();
        account.password.is_empty().then(|| account.user.clone())
    }

    /// Whether the default user needs no password.
    pub fn is_open(&self) -> bool {
        self.default.read().password.is_empty()
    }

    /// Whether there is a user of this name.
    pub fn contains(&self, name: &[u8]) -> bool {
        name == DEFAULT_USER.as_bytes()
    }

    /// Sets the password of the default user; empty removes it.
    pub fn set_default_password(&self, password: &str) {
        self.default.write().password = password.to_owned();
    }

    /// The user with this name and password. Takes the same time for any wrong password of one
    /// length.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let account = self.default.read();
        if name != DEFAULT_USER.as_bytes() {
            return None;
        }
        let open = account.password.is_empty();
        let right = equal_in_constant_time(account.password.as_bytes(), password);
        (open || right).then(|| account.user.clone())
    }
}

fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    let differing = left.iter().zip(right).fold(0, |acc, (a, b)| acc | (a ^ b));
    left.len() == right.len() && differing == 0
}
