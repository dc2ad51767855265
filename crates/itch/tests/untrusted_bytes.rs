//! The fuzz target's check on a bounded number of generated inputs, so that `cargo test` covers it.

mod untrusted;

use aeromatch_itch::message::LAYOUTS;
use aeromatch_itch::stream::Framing;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// A message with the fields that matter small enough to collide.
fn message(letter: u8, numbers: [u8; 4]) -> Vec<u8> {
    let [one, two, three, four] = numbers.map(|number| number % 6);
    let header = [letter, 0, 1, 0, 0, 0, 0, 0, 0, 0, one];
    let reference = |number: u8| [0, 0, 0, 0, 0, 0, 0, number];
    let side = [b"BS"[usize::from(four % 2)]];
    let body: Vec<u8> = match letter {
        b'R' => [&b"ABC     "[..], &[b'N'; 20]].concat(),
        b'A' => [&reference(one)[..], &side, &[0, 0, 0, two], b"ABC     ", &[0, 0, 0, three]].concat(),
        b'F' => [&reference(one)[..], &side, &[0, 0, 0, two], b"ABC     ", &[0, 0, 0, three], b"MPID"].concat(),
        b'E' => [&reference(one)[..], &[0, 0, 0, two], &reference(9)].concat(),
        b'C' => {
            let printable = [b"YN"[usize::from(four % 2)]];
            [&reference(one)[..], &[0, 0, 0, two], &reference(9), &printable, &[0, 0, 0, three]].concat()
        }
        b'X' => [&reference(one)[..], &[0, 0, 0, two]].concat(),
        b'D' => reference(one).to_vec(),
        b'U' => [&reference(one)[..], &reference(four), &[0, 0, 0, two], &[0, 0, 0, three]].concat(),
        _ => Vec::new(),
    };
    let length = LAYOUTS.iter().find(|layout| layout.letter == letter).map_or(0, |layout| layout.length);
    let mut message = [&header[..], &body].concat();
    message.resize(length, four);
    message
}

/// The bytes of a file of those messages.
fn framed(framing: Framing, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        match framing {
            Framing::Lengths => bytes.extend((message.len() as u16).to_be_bytes()),
            Framing::Zeros => bytes.extend([0, 0]),
            Framing::Bare => {}
        }
        bytes.extend(message);
    }
    bytes
}

fn letters() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => prop::sample::select(b"AFAAEECXDU".as_slice()),
        1 => prop::sample::select(LAYOUTS).prop_map(|layout| layout.letter),
    ]
}

fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec((letters(), any::<[u8; 4]>()), 0..60).prop_map(|chosen| {
        let directory = message(b'R', [0; 4]);
        std::iter::once(directory).chain(chosen.iter().map(|&(letter, numbers)| message(letter, numbers))).collect()
    })
}

fn framing() -> impl Strategy<Value = Framing> {
    prop::sample::select(Framing::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn test_r33_any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = untrusted::read(&bytes);
    }

    #[test]
    fn test_r33_whole_files_are_read_whole(framing in framing(), messages in messages()) {
        prop_assert_eq!(untrusted::read(&framed(framing, &messages)), Ok(messages.len() as u64));
    }

    #[test]
    fn test_r33_damaged_files_are_read_or_refused(
        framing in framing(),
        messages in messages(),
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
        end in any::<Index>(),
    ) {
        let mut bytes = framed(framing, &messages);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        let _ = untrusted::read(&bytes);
    }
}

#[test]
fn the_place_and_the_reason_of_a_damage_are_named() {
    let (add, delete) = (message(b'A', [1; 4]), message(b'D', [1; 4]));
    let problem = |bytes: &[u8]| untrusted::read(bytes).expect_err("a damage").to_string();
    let two = framed(Framing::Lengths, &[add.clone(), delete.clone()]);
    assert_eq!(problem(&two[..two.len() - 1]), "byte 38: the file ends inside a message: 20 of 21 bytes");
    assert_eq!(problem(&two[..39]), "byte 38: the file ends inside a message: 1 bytes are left");
    let wrong = [&two[..38], &[0, 18], &delete].concat();
    assert_eq!(problem(&wrong), "byte 38: a message 'D' has 19 bytes, but 18 are announced");
    let zeros = framed(Framing::Zeros, std::slice::from_ref(&add));
    assert_eq!(problem(&[&zeros[..], &[0, 19], &delete].concat()), "byte 38: a length of 19 where all before are zero");
    assert_eq!(problem(&[&add[..], b"z"].concat()), "byte 36: no message begins with 'z'");
    assert_eq!(problem(b"\x1f\x8b\x08"), "byte 0: this is no ITCH 5.0 message, nor the length of one");
    assert_eq!(
        problem(&[&two[..], &[0, 0, 0]].concat()),
        "byte 61: the length before it is zero, which marks the end of a file, but there is more"
    );
}

#[test]
fn the_mark_of_the_end_and_unknown_types_are_passed_over() {
    let (add, delete) = (message(b'A', [1; 4]), message(b'D', [1; 4]));
    let ended = [framed(Framing::Lengths, &[add.clone(), delete.clone()]), vec![0, 0]].concat();
    assert_eq!(untrusted::read(&ended), Ok(2));
    assert_eq!(untrusted::read(&[framed(Framing::Zeros, std::slice::from_ref(&add)), vec![0, 0]].concat()), Ok(1));
    let stranger = [vec![0, 255, b'z'], vec![7; 254]].concat();
    let three = [framed(Framing::Lengths, std::slice::from_ref(&add)), stranger, framed(Framing::Lengths, &[delete])];
    assert_eq!(untrusted::read(&three.concat()), Ok(2));
    let cut = [framed(Framing::Lengths, &[add]), vec![0, 255, b'z', 7]].concat();
    assert_eq!(
        untrusted::read(&cut).expect_err("a damage").to_string(),
        "byte 42: the file ends 253 bytes before its last message does"
    );
    let endless = [framed(Framing::Lengths, &[message(b'D', [1; 4])]), vec![1, 0, b'z', 7]].concat();
    assert_eq!(untrusted::read(&endless).expect_err("a damage").to_string(), "byte 21: no message begins with 'z'");
    assert_eq!(untrusted::read(b""), Ok(0));
}
