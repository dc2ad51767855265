//! The same commands make the same events, whatever the number of shards and however they are sent.

use crate::market::{Dice, LONG, TestShards, collect, day, disks, open, options, plain};
use aeromatch_engine::codes::{EventKind, Side};
use aeromatch_engine::record::Event;
use aeromatch_runtime::{Durability, ShardOptions, Shards, SubmitError};
use std::collections::HashMap;

/// Numbers in the log are each shard's own, and with them an event's place; everything else must be the same.
pub fn without_numbers(events: &[Event]) -> Vec<Event> {
    events.iter().map(|event| Event { sequence: 0, index: 0, ..*event }).collect()
}

/// What of a command's events comes from several shards is in the shards' order: sorted, it is the same.
pub fn sorted(events: &[Event]) -> Vec<Event> {
    let mut events = without_numbers(events);
    events
        .sort_by_key(|event| (event.kind, event.instrument, event.detail, event.order_id, event.other, event.account));
    events
}

/// What one exchange makes of each command.
fn expected(day: &[Vec<u8>]) -> Vec<Vec<Event>> {
    let (_, all) = plain(&day.concat());
    let mut expected: Vec<Vec<Event>> = Vec::new();
    for event in all {
        if event.index == 0 {
            expected.push(Vec::new());
        }
        expected.last_mut().expect("the first event has index 0").push(event);
    }
    assert_eq!(expected.len(), day.len(), "every command is answered");
    expected
}

#[test]
fn one_command_after_the_other() {
    let day = day(1, 1200);
    let expected = expected(&day);
    for count in [1, 2, 4] {
        let shards: TestShards = Shards::in_memory(options(count)).unwrap();
        let mut port = shards.port().unwrap();
        for (command, expected) in day.iter().zip(&expected) {
            let mut events = Vec::new();
            assert_eq!(port.process(command, &mut events).unwrap(), 1);
            assert_eq!(sorted(&events), sorted(expected), "{count} shards: {command:?}");
        }
        shards.close().unwrap();
    }
}

#[test]
fn batches_of_anything_in_order_of_the_commands() {
    let day = day(2, 4000);
    let expected = expected(&day);
    let expected: Vec<Event> = expected.iter().flat_map(|events| sorted(events)).collect();
    for count in [1, 2, 4] {
        // Small windows and intakes, so that everything is full now and then.
        let options = ShardOptions { intake_capacity: 4, window: 3, batch_commands: 2, ..options(count) };
        let shards: TestShards = Shards::in_memory(options).unwrap();
        let mut port = shards.port().unwrap();
        let (mut dice, mut rest, mut found) = (Dice::new(3), &day[..], Vec::new());
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(1 + dice.below(rest.len().min(700) as u64) as usize);
            let mut events = Vec::new();
            assert_eq!(port.process(&batch.concat(), &mut events).unwrap(), batch.len());
            found.extend(events);
            rest = behind;
        }
        assert_eq!(sorted(&found), sorted(&expected), "{count} shards");
        let is_answer = |event: &&Event| event.index == 0 && event.kind <= EventKind::Rejected.code();
        let order: Vec<u64> = found.iter().filter(is_answer).map(|event| event.detail).collect();
        assert_eq!(order, (0..day.len() as u64).collect::<Vec<u64>>(), "{count} shards");
        if count == 1 {
            assert_eq!(without_numbers(&found), without_numbers(&plain(&day.concat()).1));
        }
        shards.close().unwrap();
    }
}

#[test]
fn submissions_one_behind_the_other() {
    let day = day(6, 1500);
    let expected = expected(&day);
    for count in [1, 2, 4] {
        for (window, intake_capacity) in [(256, 1024), (5, 4)] {
            let options = ShardOptions { window, intake_capacity, ..options(count) };
            let shards: TestShards = Shards::in_memory(options).unwrap();
            let mut port = shards.port().unwrap();
            let (mut places, mut answers) = (HashMap::new(), Vec::new());
            for (place, command) in day.iter().enumerate() {
                let ticket = loop {
                    match port.submit(command, false) {
                        Ok(ticket) => break ticket,
                        Err(SubmitError::Full) => {
                            assert!(port.unanswered() > 0, "whoever waits for an answer gets one");
                            assert!(port.wait(Some(LONG)));
                            port.poll(&mut answers);
                        }
                        Err(error) => panic!("{error}"),
                    }
                };
                places.insert(ticket, place);
            }
            answers.extend(collect(&mut port));
            assert_eq!(answers.len(), day.len());
            for answer in answers {
                let place = places[&answer.ticket];
                let events = answer.result.unwrap().events;
                assert_eq!(sorted(&events), sorted(&expected[place]), "{count} shards: {:?}", day[place]);
            }
            shards.close().unwrap();
        }
    }
}

/// What a port has submitted is done before its batch, wherever both go.
#[test]
fn batches_behind_submissions() {
    let day = day(7, 900);
    let expected = expected(&day);
    for count in [1, 2, 4] {
        let shards: TestShards = Shards::in_memory(options(count)).unwrap();
        let mut port = shards.port().unwrap();
        for (pair, expected) in day.chunks(2).zip(expected.chunks(2)) {
            port.submit(&pair[0], false).unwrap();
            let mut events = Vec::new();
            port.process(&pair[1], &mut events).unwrap();
            assert_eq!(sorted(&events), sorted(&expected[1]), "{count} shards");
            let first = collect(&mut port).pop().unwrap().result.unwrap().events;
            assert_eq!(sorted(&first), sorted(&expected[0]), "{count} shards");
        }
        shards.close().unwrap();
    }
}

#[test]
fn through_journals_that_come_back() {
    let day = day(4, 900);
    let expected: Vec<Event> = expected(&day).concat();
    for (count, durability) in [(1, Durability::Os), (2, Durability::Disk), (4, Durability::Memory)] {
        let disks = disks(count, 7);
        let mut found = Vec::new();
        for part in day.chunks(300) {
            let shards = open(&disks, durability);
            let mut port = shards.port().unwrap();
            port.process(&part.concat(), &mut found).unwrap();
            assert_eq!(port.unanswered(), 0);
            drop(port);
            shards.close().unwrap();
        }
        assert_eq!(sorted(&found), sorted(&expected), "{count} shards");
    }
}

#[test]
fn two_ports_at_once_each_see_what_is_theirs() {
    let shards: TestShards = Shards::in_memory(options(2)).unwrap();
    let mut port = shards.port().unwrap();
    crate::market::instruments(&mut port, 2);
    let traded: Vec<u64> = std::thread::scope(|scope| {
        let producers = (1..=2u32).map(|instrument| {
            let shards = &shards;
            scope.spawn(move || {
                let mut port = shards.port().unwrap();
                let mut traded = 0;
                for round in 0..500 {
                    let side = if round % 2 == 0 { Side::Buy } else { Side::Sell };
                    port.submit(&crate::market::limit(instrument, side, 5, u64::from(instrument)), false).unwrap();
                    if round % 7 == 0 {
                        traded += lots(&collect(&mut port), instrument);
                    }
                }
                traded + lots(&collect(&mut port), instrument)
            })
        });
        let producers: Vec<_> = producers.collect();
        producers.into_iter().map(|producer| producer.join().unwrap()).collect()
    });
    assert_eq!(traded, [250, 500]);
    assert_eq!([0, 1].map(|shard| shards.home_of_instrument(shard + 1)), [0, 1]);
    shards.close().unwrap();
}

fn lots(answers: &[aeromatch_runtime::Completion], instrument: u32) -> u64 {
    let events = answers.iter().flat_map(|answer| &answer.result.as_ref().unwrap().events);
    let mut lots = 0;
    for event in events {
        assert_eq!(event.instrument, instrument);
        if event.kind == EventKind::Trade.code() {
            lots += event.quantity_lots;
        }
    }
    lots
}
