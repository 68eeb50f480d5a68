use stdx::num::{write_f64, write_i64, write_u64};

/// No double's text is longer ("-1.2345678901234567e-100" is close).
const DOUBLE_LEN_MAX: usize = 32;

/// Appends replies to a buffer in the protocol version of the client.
pub struct Writer<'a> {
    pub out: &'a mut Vec<u8>,
    pub resp3: bool,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut Vec<u8>, resp3: bool) -> Self {
        Self { out, resp3 }
    }

    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error with its code ("ERR no such key"). It is one line: line ends inside become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// The same for a text that quotes bytes of the client.
    pub fn error_bytes(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    #[inline]
    pub fn integer(&mut self, value: i64) {
        if let Ok(len @ 0..10) = usize::try_from(value) {
            return self.header(b':', len);
        }
        self.out.push(b':');
        write_i64(self.out, value);
        self.end_line();
    }

    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 24);
        self.header(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.end_line();
    }

    /// The decimal text of an integer as a bulk string.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(stdx::num::Decimal::new(value).as_bytes());
    }

    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"$-1\r\n" });
    }

    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// Begins an array; its elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len);
    }

    /// Begins a map of `pairs` keys, each followed by its value.
    pub fn map(&mut self, pairs: usize) {
        if self.resp3 { self.header(b'%', pairs) } else { self.header(b'*', pairs * 2) }
    }

    pub fn set(&mut self, len: usize) {
        self.header(if self.resp3 { b'~' } else { b'*' }, len);
    }

    /// Begins an out-of-band message.
    pub fn push(&mut self, len: usize) {
        self.header(if self.resp3 { b'>' } else { b'*' }, len);
    }

    /// Begins `pairs` of attributes of the reply that follows them. RESP2 has none: the caller
    /// asks `resp3` and then writes neither this nor the pairs.
    pub fn attribute(&mut self, pairs: usize) {
        debug_assert!(self.resp3, "attributes exist in RESP3 only");
        self.header(b'|', pairs);
    }

    pub fn double(&mut self, value: f64) {
        if self.resp3 {
            self.out.push(b',');
            write_f64(self.out, value);
            return self.end_line();
        }
        // The length comes first but is known last: write the text, then set it aside.
        let start = self.out.len();
        write_f64(self.out, value);
        let mut text = [0; DOUBLE_LEN_MAX];
        let len = self.out.len() - start;
        text[..len].copy_from_slice(&self.out[start..]);
        self.out.truncate(start);
        self.bulk(&text[..len]);
    }

    /// A double given by its text, for values that `f64` cannot hold.
    pub fn double_text(&mut self, text: &[u8]) {
        if self.resp3 { self.line(b',', text) } else { self.bulk(text) }
    }

    pub fn boolean(&mut self, value: bool) {
        let text = match (self.resp3, value) {
            (true, true) => b"#t\r\n",
            (true, false) => b"#f\r\n",
            (false, true) => b":1\r\n",
            (false, false) => b":0\r\n",
        };
        self.out.extend_from_slice(text);
    }

    /// Text with a three-letter format ("txt", "mkd").
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        debug_assert_eq!(format.len(), 3);
        if !self.resp3 {
            return self.bulk(text);
        }
        self.header(b'=', format.len() + 1 + text.len());
        self.out.extend_from_slice(format.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(text);
        self.end_line();
    }

    /// An integer of any size, given by its digits.
    pub fn big_number(&mut self, digits: &str) {
        if self.resp3 { self.line(b'(', digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }

    #[inline]
    fn header(&mut self, kind: u8, len: usize) {
        // Most lengths are small; one copy then does it.
        match len {
            0..10 => {
                return self.out.extend_from_slice(&[kind, b'0' + len as u8, b'\r', b'\n']);
            }
            10..100 => {
                let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
                return self.out.extend_from_slice(&[kind, tens, ones, b'\r', b'\n']);
            }
            _ => {}
        }
        self.out.push(kind);
        write_u64(self.out, len as u64);
        self.end_line();
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        let start = self.out.len();
        self.out.extend_from_slice(text);
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.end_line();
    }

    #[inline]
    fn end_line(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl Fn(&mut Writer<'_>), resp2: &str, resp3: &str) {
        for (version3, expected) in [(false, resp2), (true, resp3)] {
            let mut out = Vec::new();
            write(&mut Writer::new(&mut out, version3));
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[track_caller]
    fn check_same(write: impl Fn(&mut Writer<'_>), expected: &str) {
        check(write, expected, expected);
    }

    #[test]
    fn what_both_versions_share() {
        check_same(|w| w.ok(), "+OK\r\n");
        check_same(|w| w.simple("PONG"), "+PONG\r\n");
        check_same(|w| w.error("ERR a\r\nb"), "-ERR a  b\r\n");
        check_same(|w| w.integer(-12), ":-12\r\n");
        check_same(|w| w.bulk_int(-12), "$3\r\n-12\r\n");
        check_same(|w| w.bulk(b""), "$0\r\n\r\n");
        check_same(|w| w.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n");
        check_same(|w| w.array(0), "*0\r\n");
        check_same(|w| w.array(123), "*123\r\n");
        for len in [9, 10, 99, 100] {
            check_same(|w| w.array(len), &format!("*{len}\r\n"));
            check_same(|w| w.integer(len as i64), &format!(":{len}\r\n"));
        }
    }

    #[test]
    fn what_differs() {
        check(|w| w.null(), "$-1\r\n", "_\r\n");
        check(|w| w.null_array(), "*-1\r\n", "_\r\n");
        check(|w| w.map(3), "*6\r\n", "%3\r\n");
        check(|w| w.set(3), "*3\r\n", "~3\r\n");
        check(|w| w.push(3), "*3\r\n", ">3\r\n");
        check(|w| w.double_text(b"1.25"), "$4\r\n1.25\r\n", ",1.25\r\n");
        check(|w| w.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
        let longest = "-2.2250738585072014e-308";
        let number: f64 = longest.parse().expect("a number");
        check(|w| w.double(number), &format!("$24\r\n{longest}\r\n"), &format!(",{longest}\r\n"));
        check(|w| w.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        check(|w| w.boolean(true), ":1\r\n", "#t\r\n");
        check(|w| w.boolean(false), ":0\r\n", "#f\r\n");
        check(|w| w.verbatim("txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
        check(|w| w.big_number("123"), "$3\r\n123\r\n", "(123\r\n");
    }
}
