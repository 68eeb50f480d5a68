//! The two checksums of the protocol: CRC-64 (Jones) at the end of every dump, and CRC-16
//! (XMODEM), which assigns keys to cluster slots.

/// Jones' polynomial, bit-reversed.
const CRC64_POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;
const CRC16_POLYNOMIAL: u16 = 0x1021;

/// How many slots a cluster has.
pub const SLOT_COUNT: u16 = 16384;

/// `CRC64[k][b]` is the effect of byte `b` followed by `k` zero bytes, so that eight bytes take
/// eight independent look-ups instead of eight dependent ones.
static CRC64: [[u64; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ CRC64_POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
};

static CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ CRC16_POLYNOMIAL } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// Continues the checksum `crc` (0 to begin) over `bytes`.
pub fn crc64(crc: u64, bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut crc = crc;
    for chunk in chunks {
        let word = (crc ^ u64::from_le_bytes(*chunk)).to_le_bytes();
        crc = 0;
        for (k, byte) in word.into_iter().enumerate() {
            crc ^= CRC64[7 - k][usize::from(byte)];
        }
    }
    for &byte in rest {
        crc = crc >> 8 ^ CRC64[0][usize::from(crc as u8 ^ byte)];
    }
    crc
}

pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)])
}

/// The cluster slot of a key. If the key has a "{" with a "}" later and something in between,
/// only what is between the first "{" and the first "}" after it counts.
pub fn key_slot(key: &[u8]) -> u16 {
    crc16(hash_tag(key).unwrap_or(key)) % SLOT_COUNT
}

fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|&byte| byte == b'{')?;
    let inner = &key[open + 1..];
    let close = inner.iter().position(|&byte| byte == b'}')?;
    (close > 0).then(|| &inner[..close])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    #[test]
    fn published_check_values() {
        assert_eq!(crc64(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn the_trailer_of_a_dump() {
        let body = b"\x00\x1chello world this is a string\x0c\x00";
        assert_eq!(crc64(0, body).to_le_bytes(), *b"\xbf\x2f\x46\x4f\xa8\x3a\x57\xf7");
        let body = b"\x00\xc2\x15\xcd\x5b\x07\x0c\x00";
        assert_eq!(crc64(0, body).to_le_bytes(), *b"\x6f\xc1\xfd\xc9\x1a\xc3\xa9\xd7");
    }

    #[test]
    fn slices_equal_one_byte_at_a_time_and_can_be_split() {
        let mut prng = Prng::new(9);
        let mut bytes = vec![0; 200];
        prng.fill(&mut bytes);
        for len in 0..bytes.len() {
            let bytes = &bytes[..len];
            let whole = crc64(0, bytes);
            let single = bytes.chunks(1).fold(0, crc64);
            assert_eq!(whole, single);
            let (a, b) = bytes.split_at(prng.below(len as u64 + 1) as usize);
            assert_eq!(crc64(crc64(0, a), b), whole);
        }
    }

    #[test]
    fn only_a_non_empty_hash_tag_counts() {
        let tagged = |key: &str, tag: &str| {
            assert_eq!(key_slot(key.as_bytes()), crc16(tag.as_bytes()) % SLOT_COUNT, "{key}");
        };
        tagged("foo", "foo");
        tagged("{user1000}.following", "user1000");
        tagged("foo{}{bar}", "foo{}{bar}");
        tagged("foo{{bar}}zap", "{bar");
        tagged("foo{bar}{zap}", "bar");
        tagged("a{b", "a{b");
        tagged("}{a}", "a");
        tagged("", "");
        assert_eq!(key_slot(b"foo"), 12182);
    }
}
