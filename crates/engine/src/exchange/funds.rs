//! Commands about funds: deposits, withdrawals, transfers (R30), sets of an event's shares and its settlement (R32).

use super::Exchange;
use super::admin::check;
use super::numbered::Numbered;
use super::records::Admin;
use crate::codes::{AdminKind, EventKind, RejectReason as Reject, SettlementMode};
use crate::ledger::{LIMIT_UNITS, LONGEST_ID};
use crate::record::{Event, EventSink};

impl Exchange {
    /// The clearing groups whose funds a command is about, so whose time it moves (R2).
    fn groups_of(&self, admin: &Admin) -> Vec<u32> {
        let event = |number| self.registry.event(number).map(|info| info.group);
        let groups = match admin.kind {
            AdminKind::Deposit | AdminKind::Withdraw => [Some(admin.group()), None],
            AdminKind::Transfer => [Some(admin.group()), Some(admin.target_group())],
            AdminKind::Mint | AdminKind::Redeem | AdminKind::Settle => [event(admin.command.instrument), None],
            _ => [None; 2],
        };
        groups.into_iter().flatten().filter(|&group| self.has_group(group)).collect()
    }

    /// What time it is for a command that no book answers: that of the clearing groups it is about, so that the answer does not
    /// depend on what else the exchange has (R3); else the latest that any command brought.
    pub(super) fn time_for(&self, admin: &Admin) -> u64 {
        let times = self.groups_of(admin).into_iter().filter_map(|group| self.group_now_ns(group));
        times.max().unwrap_or(self.now_ns)
    }

    pub(super) fn move_funds(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let c = &admin.command;
        let (asset, account, amount) = (c.instrument, c.account, admin.amount());
        let (group, target) = (admin.group(), admin.target_group());
        let is_transfer = admin.kind == AdminKind::Transfer;
        self.move_groups(&self.groups_of(admin), c.timestamp_ns, out);
        let registry = &self.registry;
        check(registry.accounts.contains(account), Reject::UnknownAccount)?;
        check(registry.assets.contains(asset), Reject::UnknownAsset)?;
        let has_groups = self.has_group(group) && (!is_transfer || self.has_group(target));
        check(has_groups, Reject::UnknownGroup)?;
        let id = admin.texts.first().map(String::as_bytes);
        check(id.is_none_or(|id| id.len() <= LONGEST_ID), Reject::InvalidName)?;
        check((1..=LIMIT_UNITS).contains(&amount), Reject::InvalidQuantity)?;
        let goes_nowhere = is_transfer && group == target;
        check(!registry.is_share(asset) && !goes_nowhere, Reject::InvalidCombination)?;
        match (admin.kind, id) {
            (AdminKind::Deposit, _) => self.ledger.deposit(group, account, asset, amount, id)?,
            (AdminKind::Withdraw, _) => self.ledger.withdraw(group, account, asset, amount, id)?,
            (_, Some(id)) => self.ledger.transfer(group, target, account, asset, amount, id)?,
            (_, None) => return Err(Reject::InvalidCombination),
        }
        self.accept_at(c, self.time_for(admin), out);
        self.ledger.emit_changes(out);
        Ok(())
    }

    /// Cash becomes full sets of shares, or full sets become cash.
    pub(super) fn convert(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let c = &admin.command;
        let (event, account, lots) = (c.instrument, c.account, c.quantity_lots);
        self.move_groups(&self.groups_of(admin), c.timestamp_ns, out);
        check(self.registry.accounts.contains(account), Reject::UnknownAccount)?;
        check(self.event_here(event).is_some(), Reject::UnknownEvent)?;
        check(!self.ledger.is_settled(event), Reject::AlreadySettled)?;
        check((1..=crate::record::MAX_QUANTITY_LOTS).contains(&lots), Reject::InvalidQuantity)?;
        if admin.kind == AdminKind::Mint {
            self.ledger.mint(event, account, lots)?;
        } else {
            self.ledger.redeem(event, account, lots)?;
        }
        self.accept_at(c, self.time_for(admin), out);
        self.ledger.emit_changes(out);
        Ok(())
    }

    /// R32: trading stops, what rests is canceled, and each share is paid what its outcome is worth, once.
    pub(super) fn settle(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let c = &admin.command;
        let event = c.instrument;
        self.move_groups(&self.groups_of(admin), c.timestamp_ns, out);
        let info = self.event_here(event).ok_or(Reject::UnknownEvent)?;
        check(!self.ledger.is_settled(event), Reject::AlreadySettled)?;
        let count = info.outcomes.len();
        let is_full = c.order_type == SettlementMode::Full.code();
        check(!is_full || c.quantity_lots < count as u64, Reject::UnknownOutcome)?;
        let payouts = match &admin.payouts {
            None if is_full => {
                let winner = c.quantity_lots as usize;
                (0..count).map(|place| if place == winner { info.unit_ticks } else { 0 }).collect()
            }
            Some(payouts) if !is_full => {
                check(payouts.len() == count, Reject::UnknownOutcome)?;
                payouts.clone()
            }
            _ => return Err(Reject::InvalidCombination),
        };
        let sum: u64 = payouts.iter().map(|&ticks| u64::from(ticks)).sum();
        check(sum == u64::from(info.unit_ticks), Reject::InvalidPrice)?;
        check(is_full || c.quantity_lots == 0, Reject::InvalidCombination)?;
        self.accept_at(c, self.time_for(admin), out);
        let mut books: Vec<u32> = info.outcomes.iter().map(|outcome| outcome.instrument).collect();
        books.retain(|&instrument| !self.registry.instrument(instrument).is_some_and(|info| info.is_mirror));
        let (sequence, now_ns) = (out.sequence, self.time_for(admin));
        for instrument in books {
            let place = self.route(instrument).place();
            // What ends now ended at the group's time, which a book without anything due has not been told.
            self.markets[place].book.begin_time(now_ns);
            super::time::act!(self, place, out, |book, sink| book.wind_up(sequence, sink));
            self.note_due(place);
        }
        self.ledger.settle_event(event, &payouts);
        self.ledger.emit_changes(out);
        out.event(Event {
            reason: c.order_type,
            price_ticks: i64::from(payouts[0]),
            quantity_lots: c.quantity_lots,
            order_id: u64::from(event),
            ..Event::of(EventKind::Settled)
        });
        Ok(())
    }
}
