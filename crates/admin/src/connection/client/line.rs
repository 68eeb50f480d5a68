//! One line of CLIENT LIST: names and numbers of a connection, in the order that monitoring tools
//! parse.

use engine::args::Args;
use engine::clients::{Client, Figures, Transport};
use engine::cx::Cx;
use engine::error::until_nul;
use engine::worker::Conn;
use std::borrow::Cow;

/// Bytes of a connection besides its buffers and names.
const CONNECTION_BYTES: usize = size_of::<Client>() + size_of::<Conn>();

/// The line of a client, with its line end. `args` is the request that asks: the asking connection
/// shows it as what it runs.
pub(super) fn of(cx: &Cx<'_, '_>, args: Args<'_>, client: &Client) -> String {
    let (names, figures) = (client.names(), client.figures());
    let is_own = client.id == cx.session.client.id;
    let now_ms = cx.server.now_ms();
    let age_s = now_ms / 1000 - client.created_ms / 1000;
    let idle_s = if is_own { 0 } else { now_ms / 1000 - figures.last_active_ms / 1000 };
    // The request that runs lies in its worker's buffer, not in one of the connection's own.
    let argv_bytes: usize = if is_own { args.iter().map(<[u8]>::len).sum() } else { 0 };
    let query_bytes = figures.query_bytes;
    let output_bytes = figures.output_bytes;
    let names_bytes = names.name.len() + names.lib_name.len() + names.lib_ver.len();
    let total_bytes = (CONNECTION_BYTES + names_bytes + argv_bytes) as u64
        + query_bytes
        + output_bytes
        + figures.multi_bytes;
    // Inside a transaction the connection runs EXEC, which the figures know.
    let running = is_own && !cx.is_nested;
    let last = figures.last_command.map(|index| cx.server.registry.get(index).name.as_str());
    let last = if running { &cx.command.name } else { last.unwrap_or("NULL") };
    format!(
        "id={} addr={} laddr={} fd={} name={} age={age_s} idle={idle_s} flags={} db={} sub=0 \
         psub=0 ssub=0 multi={} watch={} qbuf={query_bytes} qbuf-free=0 argv-mem={argv_bytes} \
         multi-mem={} rbs=0 rbp=0 obl=0 oll={} omem={output_bytes} tot-mem={total_bytes} \
         events={} cmd={last} user={} redir=-1 resp={} lib-name={} lib-ver={} io-thread=0 \
         tot-net-in={} tot-net-out={} tot-cmds={}\n",
        client.id,
        client.peer.addr,
        client.peer.laddr,
        client.peer.fd,
        shown(&names.name),
        flags(client, &figures),
        figures.db,
        figures.multi_len,
        figures.watches,
        figures.multi_bytes,
        u8::from(output_bytes > 0),
        if output_bytes > 0 { "rw" } else { "r" },
        names.user,
        if figures.resp3 { 3 } else { 2 },
        shown(names.lib_name.as_bytes()),
        shown(names.lib_ver.as_bytes()),
        figures.net_in_bytes,
        figures.net_out_bytes,
        figures.commands,
    )
}

/// A text up to its first NUL, as Redis prints it.
fn shown(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(until_nul(text))
}

/// One letter for each state that the connection is in; `N` for none.
pub(super) fn flags(client: &Client, figures: &Figures) -> String {
    let states = [
        (figures.multi_len >= 0, 'x'),
        (figures.blocked, 'b'),
        (figures.is_watch_dirty, 'd'),
        (client.peer.transport == Transport::Unix, 'U'),
        (figures.no_evict, 'e'),
        (figures.no_touch, 'T'),
    ];
    let letters: String = states.iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
}
