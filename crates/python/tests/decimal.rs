//! R1: conversion is exact or refused.

// Compiled in here: a test cannot link the crate, an extension whose symbols only a Python process provides. Not all of the
// module is used by its tests.
#[path = "../src/decimal.rs"]
#[allow(dead_code, missing_docs)]
mod decimal;

use decimal::{Grid, NotANumber, Number};
use proptest::prelude::*;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|_| panic!("{text} should be a number"))
}

fn grid(text: &str) -> Grid {
    Grid::new(number(text)).unwrap_or_else(|| panic!("{text} should be a grid"))
}

#[test]
fn reads_what_people_write() {
    for (text, step, steps) in [
        ("1.50", "0.01", Some(150)),
        ("1e-3", "0.001", Some(1)),
        ("-0.25", "0.25", Some(-1)),
        ("+.5", "0.25", Some(2)),
        ("5.", "5", Some(1)),
        ("1E2", "5", Some(20)),
        ("0e999999999999999999999", "5", Some(0)),
        ("-0", "0.01", Some(0)),
        ("1e999999999999999999999", "5", None),
        ("1e-999999999999999999999", "1e-8", None),
        ("0.00000001", "1e-8", Some(1)),
        ("0.000000001", "1e-8", None),
        ("0.3", "0.25", None),
        ("7", "5", None),
        ("100000", "1e2", Some(1000)),
        ("1.0000000000000000000000000000000000000000000000000000", "0.5", Some(2)),
        ("1.0000000000000000000000000000000000000000000000000001", "0.5", None),
        ("00000000000000000000000000000000000000000000000000000003", "1", Some(3)),
        ("123456789012345678901234567890123456789012345678901234", "1", None),
        ("9223372036854775808", "1", Some(9_223_372_036_854_775_808)),
    ] {
        assert_eq!(grid(step).steps(number(text)), steps, "{text} on {step}");
    }
}

#[test]
fn refuses_what_is_no_number() {
    for text in [
        "",
        ".",
        "-",
        "+",
        "e5",
        "1e",
        "1e+",
        "1.2.3",
        "1 ",
        " 1",
        "1_000",
        "0x10",
        "one",
        "--1",
        "1e5.0",
        "\u{661}",
        "1,5",
        "nanx",
        "in",
        "-.e1",
        "12345678901234567890123456789012345678901234567890x",
        "1.2345678901234567890.1",
    ] {
        assert_eq!(Number::parse(text), Err(NotANumber), "{text:?}");
    }
}

#[test]
fn special_values_are_unrepresentable() {
    for text in ["nan", "NaN", "-nan", "sNaN", "nan123", "inf", "-Infinity", "+INF"] {
        assert_eq!(Number::parse(text), Ok(Number::Unrepresentable), "{text}");
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Number::from_float(value), Number::Unrepresentable);
    }
}

#[test]
fn a_float_counts_by_its_shortest_repr() {
    assert_eq!(grid("0.1").ticks(Number::from_float(0.1)), Some(1));
    assert_eq!(grid("0.1").ticks(Number::from_float(0.1 + 0.2)), None);
    assert_eq!(grid("0.01").ticks(Number::from_float(100.25)), Some(10_025));
    assert_eq!(grid("1e-8").ticks(Number::from_float(1e-8)), Some(1));
    assert_eq!(grid("1").ticks(Number::from_float(1e18)), Some(1_000_000_000_000_000_000));
    assert_eq!(grid("1").ticks(Number::from_float(1e300)), None);
    assert_eq!(grid("1").ticks(Number::from_float(-0.0)), Some(0));
    assert_eq!(grid("1").ticks(Number::from_float(f64::MIN_POSITIVE)), None);
}

#[test]
fn counts_end_at_64_bits() {
    let one = grid("1");
    assert_eq!(one.ticks(number("9223372036854775807")), Some(i64::MAX));
    assert_eq!(one.ticks(number("-9223372036854775808")), Some(i64::MIN));
    assert_eq!(one.ticks(number("9223372036854775808")), None);
    assert_eq!(one.lots(number("18446744073709551615")), Some(u64::MAX));
    assert_eq!(one.lots(number("18446744073709551616")), None);
    assert_eq!(one.lots(number("-1")), None);
}

#[test]
fn grids_are_positive_and_bounded() {
    for text in ["0", "-1", "nan", "inf", "1e19", "1e-31", "0.0"] {
        assert_eq!(Grid::new(number(text)), None, "{text}");
    }
    assert_eq!((grid("0.2500").mantissa(), grid("0.2500").scale()), (25, 2));
    assert_eq!(grid("10"), grid("1e1"));
}

#[test]
fn writes_plain_decimals() {
    for (step, steps, text) in [
        ("0.01", 10_025, "100.25"),
        ("0.01", -5, "-0.05"),
        ("0.25", 3, "0.75"),
        ("5", 7, "35"),
        ("1e-8", 1, "0.00000001"),
        ("1", 0, "0"),
        ("0.01", 0, "0.00"),
        ("1e18", i128::from(i64::MIN), "-9223372036854775808000000000000000000"),
    ] {
        assert_eq!(grid(step).text(steps).as_ref().map(|text| text.as_str()), Some(text));
    }
    assert_eq!(grid("0.01").half_text(-3).map(|text| text.as_str().to_string()).as_deref(), Some("-0.015"));
    assert_eq!(grid("0.25").step().as_str(), "0.25");
    assert!(grid("1e18").text(i128::MAX).is_none());
}

proptest! {
    #[test]
    fn steps_and_text_are_inverse(mantissa in 1u64..=1_000_000_000_000_000_000, scale in 0u32..=30, steps: i64) {
        let grid = grid(&format!("{mantissa}e-{scale}"));
        let text = grid.text(i128::from(steps));
        prop_assert_eq!(text.and_then(|text| grid.ticks(number(text.as_str()))), Some(steps));
    }

    #[test]
    fn nothing_between_two_steps_is_taken(mantissa in 2u64..=1_000_000, scale in 0u32..=12, steps in -1_000_000i64..1_000_000, off in 1u64..1_000_000) {
        let off = off % mantissa;
        let value = i128::from(steps) * i128::from(mantissa) + i128::from(off);
        let step = Grid::new(Number::Finite { digits: i128::from(mantissa), exponent: -i64::from(scale) });
        let count = step.and_then(|grid| grid.steps(Number::Finite { digits: value, exponent: -i64::from(scale) }));
        prop_assert_eq!(count, (off == 0).then_some(i128::from(steps)));
    }

    #[test]
    fn the_way_a_number_is_written_does_not_matter(digits in -1_000_000_000_000i64..1_000_000_000_000, exponent in -20i64..10, zeros in 0usize..40) {
        let plain = Number::Finite { digits: i128::from(digits), exponent };
        let spelled = number(&format!("{digits}.{}e{exponent}", "0".repeat(zeros)));
        let fine = grid("1e-20");
        prop_assert_eq!(fine.steps(plain), fine.steps(spelled));
    }

    #[test]
    fn a_float_reads_like_its_repr(value: f64) {
        prop_assume!(value.is_finite());
        let repr = Number::parse(&format!("{value:?}")).ok();
        let fine = grid("1e-9");
        prop_assert_eq!(fine.steps(Number::from_float(value)), repr.and_then(|n| fine.steps(n)));
    }

    #[test]
    fn parsing_never_panics(text in "[-+0-9.eEnaif]{0,60}") {
        if let Ok(parsed) = Number::parse(&text) {
            grid("0.25").steps(parsed);
            Grid::new(parsed);
        }
    }
}
