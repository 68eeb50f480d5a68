//! Elements of collections in replies.

use resp::Writer;
use structs::packed::Element;

/// Replies with an element's text.
#[inline]
pub(crate) fn reply_element(reply: &mut Writer<'_>, element: Element<'_>) {
    match element {
        Element::Int(number) => reply.bulk_int(number),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Replies with an element's text, or null.
#[inline]
pub(crate) fn reply_optional(reply: &mut Writer<'_>, element: Option<Element<'_>>) {
    match element {
        Some(element) => reply_element(reply, element),
        None => reply.null(),
    }
}
