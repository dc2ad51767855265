//! Exact conversion between decimal numbers and whole ticks or lots (R1). Nothing is ever rounded.
//!
//! A [`Grid`] is the size of one tick or lot. A [`Number`] is what a person wrote. A number either is a whole number of
//! steps of the grid or it is refused; floats come in by their shortest repr. No Python here, so it is tested on its own.

use std::fmt::Write;

/// Largest mantissa of a step, so that any 64-bit count of steps times it stays far inside 128 bits.
const MAX_MANTISSA: i128 = 1_000_000_000_000_000_000;
/// Most decimal places of a step.
const MAX_SCALE: u32 = 30;
/// Digits that always fit `i128`.
const MAX_DIGITS: u32 = 38;

/// A decimal number as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `digits * 10^exponent`.
    Finite {
        /// All significant digits, with sign.
        digits: i128,
        /// Power of ten.
        exponent: i64,
    },
    /// NaN, an infinity, or more significant digits than any grid has.
    Unrepresentable,
}

/// The text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl Number {
    /// Reads `1`, `-0.25`, `+.5`, `1e-3`, `nan`, `Infinity`; no blanks, no underscores.
    ///
    /// # Errors
    /// [`NotANumber`] for any other text.
    pub fn parse(text: &str) -> Result<Number, NotANumber> {
        let bytes = text.as_bytes();
        let (negative, unsigned) = match bytes.first() {
            Some(b'-') => (true, &bytes[1..]),
            Some(b'+') => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let mut digits: u64 = 0;
        let mut exponent: i64 = 0;
        let mut point = false;
        for (at, &byte) in unsigned.iter().enumerate() {
            match byte {
                b'0'..=b'9' if at < 19 => {
                    digits = digits * 10 + u64::from(byte - b'0');
                    exponent -= i64::from(point);
                }
                b'.' if !point && unsigned.len() > 1 => point = true,
                _ => return Number::parse_slowly(negative, unsigned),
            }
        }
        if unsigned.is_empty() {
            return Err(NotANumber);
        }
        let digits = if negative { -i128::from(digits) } else { i128::from(digits) };
        Ok(Number::Finite { digits, exponent })
    }

    /// What the plain path does not take: exponents, many digits, words.
    fn parse_slowly(negative: bool, unsigned: &[u8]) -> Result<Number, NotANumber> {
        if is_special(unsigned) {
            return Ok(Number::Unrepresentable);
        }
        let (mantissa, power) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let (mut digits, mut zeros, mut exponent) = (0i128, 0u32, power);
        let (mut seen, mut point, mut significant) = (false, false, 0u32);
        for &byte in mantissa {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    exponent = exponent.saturating_sub(i64::from(point));
                    if byte == b'0' {
                        // Zeros wait until a digit follows, so that trailing ones cost no digits.
                        zeros = zeros.saturating_add(u32::from(digits != 0));
                        exponent = exponent.saturating_add(i64::from(digits != 0));
                        continue;
                    }
                    significant = significant.saturating_add(zeros.saturating_add(1));
                    if significant > MAX_DIGITS {
                        return check_rest(mantissa);
                    }
                    exponent -= i64::from(zeros);
                    digits = digits * 10i128.pow(zeros + 1) + i128::from(byte - b'0');
                    zeros = 0;
                }
                b'.' if !point => point = true,
                _ => return Err(NotANumber),
            }
        }
        if !seen {
            return Err(NotANumber);
        }
        Ok(Number::Finite { digits: if negative { -digits } else { digits }, exponent })
    }

    /// The number whose shortest repr the float has (R1): 0.1 is one tenth.
    pub fn from_float(value: f64) -> Number {
        if !value.is_finite() {
            return Number::Unrepresentable;
        }
        let mut text = Text::default();
        match write!(text, "{value:e}") {
            Ok(()) => Number::parse(text.as_str()).unwrap_or(Number::Unrepresentable),
            Err(_) => Number::Unrepresentable,
        }
    }

    /// A whole number.
    pub const fn from_integer(value: i128) -> Number {
        Number::Finite { digits: value, exponent: 0 }
    }
}

/// The digits overflow: the number is unrepresentable, if it is a number at all.
fn check_rest(mantissa: &[u8]) -> Result<Number, NotANumber> {
    let points = mantissa.iter().filter(|&&byte| byte == b'.').count();
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit()).count();
    if points <= 1 && points + digits == mantissa.len() { Ok(Number::Unrepresentable) } else { Err(NotANumber) }
}

fn is_special(unsigned: &[u8]) -> bool {
    let lower = unsigned.to_ascii_lowercase();
    let payload = lower.strip_prefix(b"s").unwrap_or(&lower).strip_prefix(b"nan");
    matches!(lower.as_slice(), b"inf" | b"infinity") || payload.is_some_and(|p| p.iter().all(u8::is_ascii_digit))
}

/// An exponent's value; absurdly large ones saturate, which no grid can tell from the truth.
fn parse_exponent(bytes: &[u8]) -> Result<i64, NotANumber> {
    let (negative, digits) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        Some(b'+') => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotANumber);
    }
    let size = digits.iter().fold(0i64, |sum, byte| (sum * 10 + i64::from(byte - b'0')).min(1_000_000_000_000));
    Ok(if negative { -size } else { size })
}

/// The size of one tick or one lot: `mantissa / 10^scale`, without needless zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    mantissa: u64,
    scale: u32,
}

impl Grid {
    /// The grid of whole numbers.
    pub const ONE: Grid = Grid { mantissa: 1, scale: 0 };

    /// The grid of that step; `None` unless it is above zero, at most 10^18 and of at most 30 decimal places.
    pub fn new(step: Number) -> Option<Grid> {
        let Number::Finite { mut digits, mut exponent } = step else { return None };
        if digits <= 0 {
            return None;
        }
        while digits % 10 == 0 {
            digits /= 10;
            exponent += 1;
        }
        if exponent > 0 {
            digits = digits.checked_mul(power_of_ten(exponent)?)?;
            exponent = 0;
        }
        if digits > MAX_MANTISSA || exponent < -i64::from(MAX_SCALE) {
            return None;
        }
        Some(Grid { mantissa: u64::try_from(digits).ok()?, scale: u32::try_from(-exponent).ok()? })
    }

    /// Numerator of the step.
    pub const fn mantissa(self) -> u64 {
        self.mantissa
    }

    /// Decimal places of the step.
    pub const fn scale(self) -> u32 {
        self.scale
    }

    /// The grid of this step times another, such as the money that one tick of one lot is.
    pub fn times(self, other: Grid) -> Option<Grid> {
        let digits = i128::from(self.mantissa) * i128::from(other.mantissa);
        Grid::new(Number::Finite { digits, exponent: -i64::from(self.scale) - i64::from(other.scale) })
    }

    /// The step in units of `10^-decimals`; `None` where it is no whole number of them, or leaves 64 bits.
    pub fn units(self, decimals: u8) -> Option<u64> {
        let places = u32::from(decimals).checked_sub(self.scale)?;
        self.mantissa.checked_mul(10u64.checked_pow(places)?)
    }

    /// How many steps the number is, or `None` where it is no whole number of them or leaves 128 bits.
    #[inline]
    pub fn steps(self, number: Number) -> Option<i128> {
        let Number::Finite { digits, exponent } = number else { return None };
        if digits == 0 {
            return Some(0);
        }
        let shift = exponent + i64::from(self.scale);
        if let (Ok(small), 0..=18) = (i64::try_from(digits), shift)
            && let Some(scaled) = small.checked_mul(10i64.pow(shift as u32))
        {
            let step = self.mantissa as i64;
            return (scaled % step == 0).then_some(i128::from(scaled / step));
        }
        let scaled = if shift >= 0 {
            digits.checked_mul(power_of_ten(shift)?)?
        } else {
            let divisor = power_of_ten(-shift)?;
            if digits % divisor != 0 {
                return None;
            }
            digits / divisor
        };
        let step = i128::from(self.mantissa);
        (scaled % step == 0).then_some(scaled / step)
    }

    /// Ticks of a price; `None` where it is off the grid or outside 64 bits (`invalid_price`).
    #[inline]
    pub fn ticks(self, number: Number) -> Option<i64> {
        self.steps(number).and_then(|steps| i64::try_from(steps).ok())
    }

    /// Lots of a quantity; `None` where it is no whole number of lots, negative or outside 64 bits (`invalid_quantity`).
    #[inline]
    pub fn lots(self, number: Number) -> Option<u64> {
        self.steps(number).and_then(|steps| u64::try_from(steps).ok())
    }

    /// The exact decimal of that many steps, with as many places as the step has; `None` where it leaves 128 bits, which no
    /// 64-bit count does.
    #[inline]
    pub fn text(self, steps: i128) -> Option<Text> {
        Some(Text::decimal(steps.checked_mul(i128::from(self.mantissa))?, self.scale))
    }

    /// The exact decimal of half of that many steps, such as the middle of two prices.
    pub fn half_text(self, steps: i128) -> Option<Text> {
        Some(Text::decimal(steps.checked_mul(i128::from(self.mantissa) * 5)?, self.scale + 1))
    }

    /// The step itself.
    pub fn step(self) -> Text {
        Text::decimal(i128::from(self.mantissa), self.scale)
    }
}

fn power_of_ten(exponent: i64) -> Option<i128> {
    u32::try_from(exponent).ok().filter(|&e| e <= MAX_DIGITS).map(|e| 10i128.pow(e))
}

/// A short text on the stack.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; 80],
    length: usize,
}

impl Default for Text {
    fn default() -> Text {
        Text { bytes: [0; 80], length: 0 }
    }
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// `value / 10^scale` in plain notation.
    fn decimal(value: i128, scale: u32) -> Text {
        let mut digits = [b'0'; 80];
        let mut start = digits.len();
        let places = scale as usize;
        let mut push = |byte: u8| {
            start -= 1;
            digits[start] = byte;
        };
        let mut rest = value.unsigned_abs();
        let mut written = 0;
        // 64-bit division where it suffices: 128-bit ones cost ten times as much.
        while rest > 0 || written <= places {
            if written == places && places > 0 {
                push(b'.');
            }
            let digit = match u64::try_from(rest) {
                Ok(small) => {
                    rest = u128::from(small / 10);
                    small % 10
                }
                Err(_) => {
                    let digit = rest % 10;
                    rest /= 10;
                    digit as u64
                }
            };
            push(b'0' + digit as u8);
            written += 1;
        }
        if value < 0 {
            push(b'-');
        }
        let mut text = Text { bytes: [0; 80], length: digits.len() - start };
        text.bytes[..digits.len() - start].copy_from_slice(&digits[start..]);
        text
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
