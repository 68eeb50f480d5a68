//! As much big-integer arithmetic as reading and printing extreme numbers needs.

use std::cmp::Ordering;

/// A natural number in 64-bit limbs, the least significant first and no zero limb at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Big {
    limbs: Vec<u64>,
}

/// The largest power of ten in a limb.
const CHUNK_DIGITS: usize = 19;
const CHUNK: u64 = 10u64.pow(CHUNK_DIGITS as u32);

impl Big {
    pub fn from_u64(value: u64) -> Self {
        let mut big = Self { limbs: vec![value] };
        big.trim();
        big
    }

    /// The number that ASCII digits spell.
    pub fn from_digits<'a>(digits: impl Iterator<Item = &'a u8>) -> Self {
        let mut big = Self { limbs: Vec::new() };
        let (mut factor, mut chunk) = (1, 0);
        for digit in digits {
            factor *= 10;
            chunk = chunk * 10 + u64::from(digit - b'0');
            if factor == CHUNK {
                big.multiply_add(factor, chunk);
                (factor, chunk) = (1, 0);
            }
        }
        big.multiply_add(factor, chunk);
        big
    }

    pub fn times_power_of_ten(mut self, exponent: u32) -> Self {
        for _ in 0..exponent as usize / CHUNK_DIGITS {
            self.multiply_add(CHUNK, 0);
        }
        self.multiply_add(10u64.pow(exponent % CHUNK_DIGITS as u32), 0);
        self
    }

    fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = u128::from(addend);
        for limb in &mut self.limbs {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        if carry != 0 {
            self.limbs.push(carry as u64);
        }
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    /// How many bits the number has; zero has none.
    pub fn bits(&self) -> u32 {
        let top = self.limbs.last().map_or(0, |limb| 64 - limb.leading_zeros());
        top + 64 * (self.limbs.len() as u32).saturating_sub(1)
    }

    pub fn shifted_left(mut self, shift: u32) -> Self {
        self.limbs.splice(0..0, std::iter::repeat_n(0, shift as usize / 64));
        self.multiply_add(1 << (shift % 64), 0);
        self
    }

    /// The top 128 bits, and whether any bit below them is set; for numbers of 128 bits or more.
    pub fn top(&self) -> (u128, bool) {
        let count = self.limbs.len();
        let at = |back: usize| count.checked_sub(back).map_or(0, |index| self.limbs[index]);
        let shift = self.limbs.last().map_or(0, |limb| limb.leading_zeros());
        let high = u128::from(at(1)) << 64 | u128::from(at(2));
        let next = at(3);
        let top = if shift == 0 { high } else { high << shift | u128::from(next >> (64 - shift)) };
        let below = self.limbs[..count.saturating_sub(3)].iter().any(|&limb| limb != 0);
        (top, below || next << shift != 0)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let lengths = self.limbs.len().cmp(&other.limbs.len());
        lengths.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    /// Subtracts a number that is not larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let subtrahend = other.limbs.get(index).copied().unwrap_or(0);
            let (difference, under) = limb.overflowing_sub(subtrahend);
            let (difference, under_again) = difference.overflowing_sub(u64::from(borrow));
            *limb = difference;
            borrow = under || under_again;
        }
        debug_assert!(!borrow);
        self.trim();
    }

    /// `self / divisor` as a mantissa of 96 bits or one fewer and its binary exponent, the lowest
    /// bit also set if the division leaves a remainder. Neither number may be zero. Bit by bit:
    /// the quotient is short, however long the numbers are.
    pub fn divide(self, divisor: Self) -> (u128, i64) {
        let shift = i64::from(divisor.bits()) - i64::from(self.bits());
        let (mut rest, divisor) = if shift >= 0 {
            (self.shifted_left(shift as u32), divisor)
        } else {
            (self, divisor.shifted_left(shift.unsigned_abs() as u32))
        };
        let mut quotient = 0u128;
        for _ in 0..96 {
            quotient <<= 1;
            if rest.compare(&divisor) != Ordering::Less {
                rest.subtract(&divisor);
                quotient |= 1;
            }
            rest.multiply_add(2, 0);
        }
        (quotient | u128::from(!rest.limbs.is_empty()), -shift - 95)
    }

    /// Appends the decimal digits.
    pub fn write(mut self, out: &mut Vec<u8>) {
        let mut chunks = Vec::new();
        while !self.limbs.is_empty() {
            let mut remainder = 0u128;
            for limb in self.limbs.iter_mut().rev() {
                let dividend = remainder << 64 | u128::from(*limb);
                *limb = (dividend / u128::from(CHUNK)) as u64;
                remainder = dividend % u128::from(CHUNK);
            }
            self.trim();
            chunks.push(remainder as u64);
        }
        crate::num::write_u64(out, chunks.pop().unwrap_or(0));
        for chunk in chunks.into_iter().rev() {
            let mut digits = [b'0'; CHUNK_DIGITS];
            let mut rest = chunk;
            for digit in digits.iter_mut().rev() {
                *digit += (rest % 10) as u8;
                rest /= 10;
            }
            out.extend_from_slice(&digits);
        }
    }
}
